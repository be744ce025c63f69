import { Anchor, Button, CopyButton, Tabs, Text } from '@mantine/core';
import { IconCheck, IconCopy, IconGitFork } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { SnapshotView } from '../../../../src/protocol/snapshots.ts';
import { sandboxesQuery, stateQuery } from '../../app/queries.ts';
import { useSearch } from '../../app/use-search.ts';
import { formatBytes } from '../../parts/amounts.ts';
import { CopyAsCode } from '../../parts/copy-as-code.tsx';
import { Contents } from './contents.tsx';
import { Difference } from './difference.tsx';
import { Rehydrate } from './rehydrate.tsx';
import { snapshotCode } from './snapshot-code.ts';
import { VerifySnapshot } from './verify-snapshot.tsx';
import classes from './page.module.css';

const evidence = {
  bytes: 'every byte read again',
  'host-layer': "the host's own layer of changes",
  'guest-metadata': 'a listing made in the sandbox',
};

/** One snapshot: what it is, what to do with it, how it differs and what is in it. */
export function SnapshotDetails({
  snapshot,
  all,
}: {
  snapshot: SnapshotView;
  all: readonly SnapshotView[];
}): ReactNode {
  const [tab, setTab] = useSearch('show');
  const { data: state } = useQuery(stateQuery);
  const { data: sandboxes } = useQuery(sandboxesQuery);
  const { id, tree, record, name, sandbox, sandboxName } = snapshot;
  const origin = sandboxes?.find((each) => each.id === sandbox);
  const store = `${state?.stateDirectory ?? '.'}/snapshots`;
  const facts: readonly (readonly [string, ReactNode])[] = [
    ['Contents digest', <Digest key="tree" text={tree} what="contents digest" />],
    ['Snapshot id', <Digest key="id" text={id} what="snapshot id" />],
    [
      'Taken of',
      origin ? (
        <Anchor
          component={Link}
          key="origin"
          size="sm"
          href={`/sandboxes/${encodeURIComponent(origin.id)}`}
        >
          {origin.name}
        </Anchor>
      ) : (
        (sandboxName ?? record.source?.sandbox.slice(0, 12) ?? 'imported')
      ),
    ],
    [
      'Holds',
      `${record.contents.files === 1 ? '1 file' : `${record.contents.files} files`}, ${record.contents.directories === 1 ? '1 directory' : `${record.contents.directories} directories`}, ${formatBytes(record.contents.bytes)}`,
    ],
    ['Unchanged entries known by', evidence[record.evidence]],
    ['Not captured', record.notCaptured.join(', ') || 'nothing was left out'],
  ];
  return (
    <div className={classes.details}>
      <section className={classes.panel} aria-label="Snapshot">
        <div className={classes.head}>
          <h2>{name ?? `Snapshot ${id.slice(0, 12)}`}</h2>
          <Button.Group>
            <Button
              component={Link}
              href={`/compare?snapshot=${id}`}
              variant="default"
              leftSection={<IconGitFork size={16} aria-hidden />}
            >
              Fork and compare
            </Button>
            <CopyAsCode {...snapshotCode(snapshot, store)} />
          </Button.Group>
        </div>
        <dl className={classes.facts}>
          {facts.map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        <Rehydrate snapshot={snapshot} />
        <VerifySnapshot snapshot={snapshot} />
      </section>
      <section className={classes.panel} aria-label="Contents and differences">
        <Tabs
          value={tab || 'difference'}
          onChange={(value) => {
            setTab(value ?? '');
          }}
          keepMounted={false}
        >
          <Tabs.List px="xs">
            <Tabs.Tab value="difference">Difference</Tabs.Tab>
            <Tabs.Tab value="contents">Contents</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="difference">
            <Difference snapshot={snapshot} all={all} />
          </Tabs.Panel>
          <Tabs.Panel value="contents">
            <Contents snapshot={id} />
          </Tabs.Panel>
        </Tabs>
      </section>
    </div>
  );
}

/** A digest, shortened, with a button to copy the whole. */
function Digest({ text, what }: { text: string; what: string }): ReactNode {
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Button
          size="compact-xs"
          variant="subtle"
          px={4}
          ml={-4}
          className="mono"
          onClick={copy}
          aria-label={`${text.slice(0, 16)}: ${copied ? `the ${what} is copied` : `copy the ${what}`}`}
          rightSection={copied ? <IconCheck size={13} /> : <IconCopy size={13} />}
        >
          <Text span size="sm" inherit>
            {text.slice(0, 16)}
          </Text>
        </Button>
      )}
    </CopyButton>
  );
}
