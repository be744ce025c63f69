import { Text } from '@mantine/core';
import { type ReactNode, useMemo } from 'react';
import { Link } from 'wouter';
import type { SnapshotView } from '../../../../src/protocol/snapshots.ts';
import { Ago } from '../../parts/ago.tsx';
import { formatBytes } from '../../parts/amounts.ts';
import { moveByArrows } from '../../parts/arrow-keys.ts';
import { ProviderName } from '../../parts/badges.tsx';
import { type GraphNode, placeSnapshots } from './graph.ts';
import classes from './history.module.css';

const ROW = 58;
const COLUMN = 18;

/** Every snapshot as a tree of what came of what, the newest on top. */
export function History({
  snapshots,
  selected,
  compared,
}: {
  snapshots: readonly SnapshotView[];
  selected: string | undefined;
  /** The other side of the difference. */
  compared: string | undefined;
}): ReactNode {
  const nodes = useMemo(() => placeSnapshots(snapshots), [snapshots]);
  const columns = Math.max(1, ...nodes.map(({ column }) => column + 1));
  const width = Math.min(columns, 8) * COLUMN + 10;
  return (
    <nav className={classes.history} aria-label="History of snapshots" onKeyDown={moveByArrows}>
      <div className={classes.inner}>
        <svg
          className={classes.graph}
          width={width}
          height={nodes.length * ROW}
          aria-hidden
          focusable="false"
        >
          {nodes.map((node) => (
            <Edge key={node.snapshot.id} node={node} />
          ))}
          {nodes.map(({ snapshot, row, column }) => (
            <circle
              key={snapshot.id}
              cx={x(column)}
              cy={y(row)}
              r={snapshot.id === selected ? 6 : 4.5}
              className={classes.dot}
              data-selected={snapshot.id === selected || undefined}
              data-compared={snapshot.id === compared || undefined}
            />
          ))}
        </svg>
        <ul className={classes.rows}>
          {nodes.map(({ snapshot }) => (
            <li key={snapshot.id} style={{ height: ROW }}>
              <Row snapshot={snapshot} indent={width} selected={snapshot.id === selected} />
            </li>
          ))}
        </ul>
      </div>
    </nav>
  );
}

function Row({
  snapshot,
  indent,
  selected,
}: {
  snapshot: SnapshotView;
  indent: number;
  selected: boolean;
}): ReactNode {
  const { id, name, provider, emulated, createdAt, bytes, bytesStored, files } = snapshot;
  const stored = bytesStored === undefined ? '' : `, ${formatBytes(bytesStored)} new`;
  return (
    <Link
      href={`/snapshots/${id}`}
      className={classes.row}
      style={{ paddingLeft: indent }}
      aria-current={selected || undefined}
      data-row
    >
      <span className={classes.line}>
        <Text span size="sm" fw={560} truncate title={name ?? id}>
          {name ?? id.slice(0, 12)}
        </Text>
        <Text span size="xs" c="dimmed" className={classes.time}>
          <Ago at={createdAt} />
        </Text>
      </span>
      <span className={classes.line}>
        <Text span size="xs" c="dimmed" truncate className="numbers">
          {files} files, {formatBytes(bytes)}
          {stored}
        </Text>
        <Text span size="xs" c="dimmed" className={classes.time}>
          {provider === undefined ? 'imported' : <ProviderName id={provider} emulated={emulated} />}
        </Text>
      </span>
    </Link>
  );
}

function Edge({ node: { row, column, parent } }: { node: GraphNode }): ReactNode {
  if (!parent) return null;
  const [left, top] = [x(column), y(row)];
  const [parentLeft, bottom] = [x(parent.column), y(parent.row)];
  const bend = bottom - ROW / 2;
  const path =
    left === parentLeft
      ? `M${left} ${top}V${bottom}`
      : `M${left} ${top}V${bend}C${left} ${bottom - 6} ${parentLeft} ${bend + 6} ${parentLeft} ${bottom}`;
  return <path d={path} className={classes.edge} />;
}

function x(column: number): number {
  return Math.min(column, 7) * COLUMN + 18;
}

function y(row: number): number {
  return row * ROW + ROW / 2;
}
