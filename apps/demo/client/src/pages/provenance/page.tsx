import { Button, Menu, Skeleton, Text } from '@mantine/core';
import { IconDownload, IconLink, IconShieldCheck } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Link, useParams } from 'wouter';
import type {
  ChainAnswer,
  ExportForm,
  TamperAnswer,
  VerificationView,
} from '../../../../src/protocol/provenance.ts';
import { get, path, send } from '../../app/api.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { stateQuery } from '../../app/queries.ts';
import { moveByArrows } from '../../parts/arrow-keys.ts';
import { Ago } from '../../parts/ago.tsx';
import { StateLabel } from '../../parts/badges.tsx';
import { CopyAsCode } from '../../parts/copy-as-code.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { runsQuery, stateLabels } from '../run/run-queries.ts';
import { type ChainCheck, checkChain } from './chain-hash.ts';
import { Chain } from './chain.tsx';
import { provenanceCode } from './provenance-code.ts';
import { Verdict } from './verdict.tsx';
import list from '../runs/page.module.css';

const about =
  'Every command, change, snapshot and decision of a run is an event, chained to the one before by its hash and signed at each checkpoint. Bodies are kept apart, encrypted; the chain proves them by digest.';

/** The record of one run, or the choice of one. */
export default function ProvenancePage(): ReactNode {
  const { run } = useParams<{ run?: string }>();
  return run === undefined ? <ChooseRun /> : <RunRecord key={run} run={run} />;
}

function ChooseRun(): ReactNode {
  const { data, error, refetch } = useQuery(runsQuery);
  return (
    <>
      <PageHeader title="Provenance" about={about} />
      {error !== null && <ErrorDisplay error={error} retry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton h={180} />}
      {data?.length === 0 && (
        <EmptyState
          icon={IconLink}
          title="No record yet"
          action={
            <Button component={Link} href="/runs?new=1">
              Begin a run
            </Button>
          }
        >
          A run writes its record as it goes.
        </EmptyState>
      )}
      {data !== undefined && data.length > 0 && (
        <ul className={list.list} aria-label="Records" onKeyDown={moveByArrows}>
          {data.map(({ id, job, state, events, startedAt }) => (
            <li key={id}>
              <Link href={`/provenance/${id}`} className={list.row} data-row>
                <span className={list.name}>
                  <Text span fw={600} size="sm">
                    {job}
                  </Text>
                  <Text span size="xs" c="dimmed" className="mono">
                    {id}
                  </Text>
                </span>
                <StateLabel tone={stateLabels[state].tone}>{stateLabels[state].label}</StateLabel>
                <Text span size="sm" className="numbers">
                  {events} events
                </Text>
                <Text span size="xs" c="dimmed">
                  <Ago at={startedAt} />
                </Text>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

const forms: readonly (readonly [ExportForm, string])[] = [
  ['intoto', 'in-toto statement (SLSA provenance)'],
  ['otel', 'OpenTelemetry trace'],
  ['jsonl', 'Events, one JSON line each'],
];

function RunRecord({ run }: { run: string }): ReactNode {
  const [check, setCheck] = useState<ChainCheck>();
  const [tampered, setTampered] = useState<TamperAnswer>();
  const { data: state } = useQuery(stateQuery);
  const chain = useQuery({
    queryKey: ['chain', run],
    queryFn: ({ signal }) => get<ChainAnswer>(path`/api/runs/${run}/chain`, signal),
  });
  const verify = useMutation({
    mutationFn: async () => {
      setTampered(undefined);
      const [verified, fresh] = await Promise.all([
        send<VerificationView>('POST', path`/api/runs/${run}/verify`, {}),
        chain.refetch(),
      ]);
      const { first = '', links = [] } = fresh.data ?? {};
      setCheck(await checkChain(first, links, setCheck));
      return verified;
    },
  });
  return (
    <>
      <PageHeader
        parent={{ label: 'Provenance', href: '/provenance' }}
        title={run}
        about="Each event is chained to the one before by its hash, and the chain is signed at each checkpoint."
        actions={
          <>
            <Button component={Link} href={`/runs/${run}`} variant="default">
              The run
            </Button>
            <Menu position="bottom-end" shadow="md">
              <Menu.Target>
                <Button variant="default" leftSection={<IconDownload size={16} aria-hidden />}>
                  Export
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                {forms.map(([form, label]) => (
                  <Menu.Item
                    key={form}
                    component="a"
                    href={`/api/runs/${run}/export?format=${form}`}
                    download
                  >
                    {label}
                  </Menu.Item>
                ))}
              </Menu.Dropdown>
            </Menu>
            <CopyAsCode {...provenanceCode(run, state?.stateDirectory ?? '')} />
            <Button
              leftSection={<IconShieldCheck size={16} aria-hidden />}
              loading={verify.isPending}
              onClick={() => {
                verify.mutate();
              }}
            >
              Verify
            </Button>
          </>
        }
      />
      {chain.error !== null && (
        <ErrorDisplay error={chain.error} retry={() => void chain.refetch()} />
      )}
      {verify.error !== null && <ErrorDisplay error={verify.error} />}
      {chain.data === undefined && chain.error === null && <Skeleton h={520} />}
      {chain.data !== undefined && (
        <>
          <Verdict
            verification={verify.isPending ? undefined : verify.data}
            check={check}
            total={chain.data.links.length}
            keyId={chain.data.keyId}
            tampered={tampered}
          />
          <Chain chain={chain.data} run={run} tampered={tampered} onTampered={setTampered} />
        </>
      )}
    </>
  );
}
