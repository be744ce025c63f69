import { Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import {
  IconArrowRight,
  IconCamera,
  IconGitFork,
  IconRoute,
  IconShieldCheck,
  type TablerIcon,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { conformanceQuery, providersQuery, snapshotsQuery } from '../../app/queries.ts';
import { runsQuery } from '../run/run-queries.ts';
import { formatBytes } from '../../parts/amounts.ts';
import classes from './page.module.css';

interface Claim {
  readonly icon: TablerIcon;
  readonly claim: string;
  /** Undefined: not known yet. */
  readonly number: string | undefined;
  readonly evidence: string;
  readonly try: string;
  readonly href: string;
}

/** The four claims as cards: the number that stands for the proof, and where to try it. */
export function Claims(): ReactNode {
  const { data: conformance } = useQuery(conformanceQuery);
  const { data: snapshots } = useQuery(snapshotsQuery);
  const { data: providers } = useQuery(providersQuery);
  const { data: runs } = useQuery(runsQuery);
  const mutants = conformance?.matrix.mutants;
  const killed = mutants?.filter(({ killedBy }) => killedBy.length > 0).length;
  const bytes = snapshots?.reduce((sum, snapshot) => sum + snapshot.bytes, 0);
  const stored = snapshots?.reduce((sum, snapshot) => sum + (snapshot.bytesStored ?? 0), 0);
  const forkers = providers?.filter(({ capabilities }) => capabilities?.fork !== undefined).length;
  const documents = runs?.reduce((sum, run) => sum + run.documentsDone, 0);
  const claims: readonly Claim[] = [
    {
      icon: IconShieldCheck,
      claim: 'Isolated',
      number: mutants === undefined ? undefined : `${killed} of ${mutants.length}`,
      evidence: 'providers broken on purpose are caught by the suite that every provider must pass',
      try: 'Watch the suite run',
      href: '/conformance',
    },
    {
      icon: IconCamera,
      claim: 'Comes back exactly',
      number: snapshots === undefined ? undefined : String(snapshots.length),
      evidence:
        snapshots === undefined || snapshots.length === 0
          ? 'snapshots here yet: take one, and rehydrate it on another provider, equal by digest'
          : `${snapshots.length === 1 ? 'snapshot' : 'snapshots'} of ${formatBytes(bytes ?? 0)}, kept in ${formatBytes(stored ?? 0)}; verified byte by byte when asked`,
      try: 'Compare two snapshots',
      href: '/snapshots',
    },
    {
      icon: IconGitFork,
      claim: 'Fans out, leaks nothing',
      number: providers === undefined ? undefined : `${forkers} of ${providers.length}`,
      evidence: 'providers fork natively; on all others a branch is made from the snapshot',
      try: 'Fork and compare',
      href: '/compare',
    },
    {
      icon: IconRoute,
      claim: 'Never done twice',
      number: documents === undefined ? undefined : String(documents),
      evidence:
        runs === undefined || runs.length === 0
          ? 'runs here yet: begin one, kill its sandbox or its harness, and see it go on'
          : `documents recorded in ${runs.length === 1 ? 'one run' : `${runs.length} runs`}: kill a sandbox or the harness, and none of them is read again`,
      try: 'Kill a run',
      href: '/runs',
    },
  ];
  return (
    <section className={classes.claims} aria-label="Claims">
      {claims.map(({ icon: Icon, claim, number, evidence, try: label, href }) => (
        <article key={claim} className={classes.claim}>
          <div className={classes.claimHead}>
            <Icon size={18} stroke={1.6} aria-hidden />
            <h2>{claim}</h2>
          </div>
          <div className={classes.number}>
            {number ?? <Skeleton h={28} w={90} aria-label="Not known yet" />}
          </div>
          <Text size="sm" c="dimmed" className={classes.evidence}>
            {evidence}
          </Text>
          <Link href={href} className={classes.try}>
            {label}
            <IconArrowRight size={15} aria-hidden />
          </Link>
        </article>
      ))}
    </section>
  );
}
