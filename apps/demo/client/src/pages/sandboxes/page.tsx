import { Button, Group, Select, TextInput } from '@mantine/core';
import { IconBox, IconPlus, IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useDeferredValue, useMemo } from 'react';
import type { SandboxView } from '../../../../src/protocol/sandboxes.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { sandboxesQuery } from '../../app/queries.ts';
import { useSearch } from '../../app/use-search.ts';
import { CopyAsCode } from '../../parts/copy-as-code.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { CreateDrawer } from './create-drawer.tsx';
import { ListPlaceholder, SandboxRows } from './sandbox-rows.tsx';
import classes from './page.module.css';

/** Every sandbox of every provider, to be found, opened, made and ended. */
export default function SandboxesPage(): ReactNode {
  const { data, error, refetch } = useQuery(sandboxesQuery);
  const [search, setSearch] = useSearch('q');
  const [provider, setProvider] = useSearch('provider');
  const [state, setState] = useSearch('state');
  const [, setCreate] = useSearch('create');
  const filter = useDeferredValue(search);
  const shown = useMemo(
    () => select(data ?? [], { search: filter, provider, state }),
    [data, filter, provider, state],
  );
  const create = (
    <Button
      leftSection={<IconPlus size={16} aria-hidden />}
      onClick={() => {
        setCreate('1');
      }}
    >
      New sandbox
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Sandboxes"
        about="Live isolated environments, of every provider that is ready here. One that is not destroyed ends by itself when its lifetime is over."
        actions={
          <>
            <CopyAsCode
              what="list the sandboxes"
              typescript={`import { local } from '@gantry/provider-local';

for await (const { ref, state, createdAt } of local().list()) {
  console.log(ref.id, state, new Date(createdAt));
}
`}
              cli={'npx gantry ls\n'}
            />
            {create}
          </>
        }
      />
      <Group gap={8} className={classes.toolbar}>
        <TextInput
          className={classes.search}
          aria-label="Find by name or id"
          placeholder="Find by name or id"
          leftSection={<IconSearch size={15} aria-hidden />}
          value={search}
          onChange={({ currentTarget }) => {
            setSearch(currentTarget.value);
          }}
        />
        <Filter
          label="Provider"
          every="Every provider"
          value={provider}
          onChange={setProvider}
          values={[...new Set(data?.map((sandbox) => sandbox.provider))]}
        />
        <Filter
          label="State"
          every="Every state"
          value={state}
          onChange={setState}
          values={['running', 'suspended', 'stopped', 'gone']}
        />
        <span className={classes.count} role="status">
          {data === undefined ? '' : `${shown.length} of ${data.length}`}
        </span>
      </Group>
      {error !== null && (
        <ErrorDisplay
          error={error}
          title="The sandboxes could not be listed"
          retry={() => void refetch()}
        />
      )}
      {data === undefined && error === null && <ListPlaceholder />}
      {data !== undefined && data.length === 0 && (
        <EmptyState icon={IconBox} title="No sandbox yet" action={create}>
          Start from a template, see the plan, and have a shell in it moments later.
        </EmptyState>
      )}
      {data !== undefined && data.length > 0 && shown.length === 0 && (
        <EmptyState icon={IconSearch} title="None of them is like that">
          Change the filters above: there are {data.length} in all.
        </EmptyState>
      )}
      {shown.length > 0 && <SandboxRows sandboxes={shown} />}
      <CreateDrawer />
    </>
  );
}

function select(
  sandboxes: readonly SandboxView[],
  { search, provider, state }: { search: string; provider: string; state: string },
): readonly SandboxView[] {
  const words = search.toLowerCase();
  return sandboxes
    .filter(
      (sandbox) =>
        (provider === '' || sandbox.provider === provider) &&
        (state === '' || sandbox.state === state) &&
        (words === '' ||
          sandbox.name.toLowerCase().includes(words) ||
          sandbox.ref.id.toLowerCase().includes(words)),
    )
    .toSorted((a, b) => b.createdAt - a.createdAt);
}

function Filter({
  label,
  every,
  value,
  values,
  onChange,
}: {
  label: string;
  every: string;
  value: string;
  values: readonly string[];
  onChange: (value: string) => void;
}): ReactNode {
  return (
    <Select
      className={classes.filter}
      aria-label={label}
      data={[{ value: '', label: every }, ...values]}
      value={value}
      allowDeselect={false}
      onChange={(chosen) => {
        onChange(chosen ?? '');
      }}
    />
  );
}
