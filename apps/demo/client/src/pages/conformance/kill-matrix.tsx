import { Text, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { type ReactNode, useMemo } from 'react';
import type { ConformanceAnswer } from '../../../../src/protocol/conformance.ts';
import { useSearch } from '../../app/use-search.ts';
import { MatrixMap } from './matrix-map.tsx';
import classes from './kill-matrix.module.css';

type Matrix = ConformanceAnswer['matrix'];
type MutantRow = Matrix['mutants'][number];

/** What proves the suite: providers that are broken on purpose, each in one way, and the checks that noticed. */
export function KillMatrix({ matrix }: { matrix: Matrix }): ReactNode {
  const [chosen, choose] = useSearch('mutant');
  const [filter, setFilter] = useSearch('find');
  const profiles = useMemo(
    () => [...Map.groupBy(matrix.checks, (check) => check.slice(0, check.indexOf('/')))],
    [matrix],
  );
  const killed = matrix.mutants.filter(({ killedBy }) => killedBy.length > 0).length;
  const kills = matrix.mutants.reduce((sum, { killedBy }) => sum + killedBy.length, 0);
  const wanted = filter.toLowerCase();
  const shown = matrix.mutants.filter(({ id, title, killedBy }) =>
    `${id} ${title} ${killedBy.join(' ')}`.toLowerCase().includes(wanted),
  );
  return (
    <section aria-label="Kill matrix">
      <Text size="sm" c="dimmed" maw={760} mb="md">
        <b>
          {killed} of {matrix.mutants.length}
        </b>{' '}
        providers that are each broken in one way are caught, by {matrix.checks.length} checks.{' '}
        {matrix.against === 'all'
          ? `Every provider met every check: ${kills} times one noticed.`
          : `Each met the checks that must notice it: ${kills} times one did.`}{' '}
        As of {matrix.date}.
      </Text>
      <MatrixMap matrix={matrix} profiles={profiles} chosen={chosen} onChoose={choose} />
      <div className={classes.find}>
        <TextInput
          size="sm"
          w={320}
          maw="100%"
          aria-label="Find a broken provider or a check"
          placeholder="Find a broken provider or a check"
          leftSection={<IconSearch size={15} />}
          value={filter}
          onChange={(event) => {
            setFilter(event.currentTarget.value);
          }}
        />
        <Text size="xs" c="dimmed" className="numbers">
          {shown.length} of {matrix.mutants.length}
        </Text>
      </div>
      <ul className={classes.mutants}>
        {shown.map((mutant) => (
          <Mutant
            key={mutant.id}
            mutant={mutant}
            open={mutant.id === chosen}
            onToggle={() => {
              choose(mutant.id === chosen ? '' : mutant.id);
            }}
          />
        ))}
      </ul>
    </section>
  );
}

function Mutant({
  mutant,
  open,
  onToggle,
}: {
  mutant: MutantRow;
  open: boolean;
  onToggle: () => void;
}): ReactNode {
  const { id, title, killedBy } = mutant;
  return (
    <li className={classes.mutant} id={`mutant-${id}`}>
      <button type="button" className={classes.head} aria-expanded={open} onClick={onToggle}>
        <span className={classes.name}>{id}</span>
        <span className={classes.title}>{title}</span>
        <span className={classes.count} data-none={killedBy.length === 0 || undefined}>
          {killedBy.length === 0 ? 'survived' : `${killedBy.length} noticed`}
        </span>
      </button>
      {open && (
        <ul className={classes.checks}>
          {killedBy.map((check) => (
            <li key={check}>{check}</li>
          ))}
        </ul>
      )}
    </li>
  );
}
