import { Anchor, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { DocumentResult, RunDocument, RunView } from '../../../../src/protocol/runs.ts';
import { formatBytes } from '../../parts/amounts.ts';
import { StateLabel } from '../../parts/badges.tsx';
import classes from './results.module.css';

/** What each document gave: every value in it leads to its place in the source. */
export function Results({ run }: { run: RunView }): ReactNode {
  const found = new Map(run.results.map((result) => [result.document, result]));
  return (
    <div className={classes.frame} tabIndex={0} role="region" aria-label="Results">
      <Table verticalSpacing={7} className={classes.table}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Document</Table.Th>
            <Table.Th>Format</Table.Th>
            <Table.Th>Result</Table.Th>
            <Table.Th ta="right">Values</Table.Th>
            <Table.Th ta="right">Encounters</Table.Th>
            <Table.Th ta="right">Attempts</Table.Th>
            <Table.Th>Provider</Table.Th>
            <Table.Th ta="right">Size</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {run.list.map((document) => (
            <Row
              key={document.name}
              run={run.id}
              document={document}
              result={found.get(document.name)}
            />
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

function Row({
  run,
  document,
  result,
}: {
  run: string;
  document: RunDocument;
  result: DocumentResult | undefined;
}): ReactNode {
  const href = `/runs/${run}/records/${encodeURIComponent(document.name)}`;
  return (
    <Table.Tr>
      <Table.Td>
        {result?.status === 'verified' ? (
          <Anchor component={Link} href={href} size="sm" fw={550}>
            {document.name}
          </Anchor>
        ) : (
          <Text span size="sm">
            {document.name}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Text span size="xs" c="dimmed" className={classes.format}>
          {document.format}
        </Text>
      </Table.Td>
      <Table.Td>
        <Outcome document={document} result={result} />
      </Table.Td>
      <Table.Td ta="right" className="numbers">
        {result?.fields || ''}
      </Table.Td>
      <Table.Td ta="right" className="numbers">
        {result?.encounters ?? ''}
      </Table.Td>
      <Table.Td ta="right" className="numbers">
        {result?.attempts ?? ''}
      </Table.Td>
      <Table.Td>{result?.provider ?? ''}</Table.Td>
      <Table.Td ta="right" className={`numbers ${classes.format}`}>
        {formatBytes(document.bytes)}
      </Table.Td>
    </Table.Tr>
  );
}

function Outcome({
  document,
  result,
}: {
  document: RunDocument;
  result: DocumentResult | undefined;
}): ReactNode {
  if (!result) return <StateLabel tone="idle">not yet</StateLabel>;
  if (result.status === 'verified') return <StateLabel tone="good">verified</StateLabel>;
  const asItShould = result.status === 'refused' && document.expected === 'malformed';
  return (
    <div>
      <StateLabel tone={asItShould ? 'good' : 'bad'}>
        {asItShould ? 'refused, as it must be' : result.status}
      </StateLabel>
      <Text size="xs" c="dimmed">
        {result.message}
      </Text>
    </div>
  );
}
