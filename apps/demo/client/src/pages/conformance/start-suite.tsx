import { Button, MultiSelect, Select } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useLocation } from 'wouter';
import type {
  ConformanceAnswer,
  ConformanceRequest,
  ConformanceRun,
} from '../../../../src/protocol/conformance.ts';
import { send } from '../../app/api.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { providersQuery } from '../../app/queries.ts';
import { CopyAsCode } from '../../parts/copy-as-code.tsx';
import { conformanceCode } from './conformance-code.ts';
import classes from './page.module.css';

/** Runs the suite against a provider, whole or some profiles of it. */
export function StartSuite({ profiles }: Pick<ConformanceAnswer, 'profiles'>): ReactNode {
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const { data: providers } = useQuery(providersQuery);
  const ready = providers?.filter((provider) => provider.ready) ?? [];
  const [chosen, setChosen] = useState<string | null>(null);
  const [wanted, setWanted] = useState<string[]>([]);
  const provider = ready.find(({ id }) => id === chosen) ?? ready[0];
  const start = useMutation({
    mutationFn: (request: ConformanceRequest) =>
      send<ConformanceRun>('POST', '/api/conformance', request),
    onSuccess: ({ id }) => {
      void client.invalidateQueries({ queryKey: ['conformance'] });
      navigate(`/conformance/${id}`);
    },
  });
  return (
    <section className={classes.start} aria-label="Run the suite">
      <Select
        label="Provider"
        w={210}
        allowDeselect={false}
        value={provider?.id ?? null}
        placeholder={providers === undefined ? 'Looking for providers' : 'None is ready'}
        onChange={setChosen}
        data={ready.map(({ id, emulated }) => ({
          value: id,
          label: emulated ? `${id} (emulated)` : id,
        }))}
      />
      <MultiSelect
        label="Profiles"
        className={classes.profiles}
        placeholder={wanted.length === 0 ? 'All' : ''}
        clearable
        value={wanted}
        onChange={setWanted}
        data={profiles.map(({ name, checks }) => ({ value: name, label: `${name} (${checks})` }))}
      />
      <div className={classes.buttons}>
        <CopyAsCode {...conformanceCode(provider ?? { id: 'local', emulated: false }, wanted)} />
        <Button
          leftSection={<IconPlayerPlay size={16} aria-hidden />}
          disabled={provider === undefined}
          loading={start.isPending}
          onClick={() => {
            if (provider)
              start.mutate({
                provider: provider.id,
                ...(wanted.length === 0 ? {} : { profiles: wanted }),
              });
          }}
        >
          Run the suite
        </Button>
      </div>
      {start.error !== null && (
        <div className={classes.wide}>
          <ErrorDisplay error={start.error} title="The suite did not begin" />
        </div>
      )}
    </section>
  );
}
