import { Anchor, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { ReportSummary } from '../../../../src/protocol/providers.ts';
import { ProviderName, StateLabel } from '../../parts/badges.tsx';
import classes from './page.module.css';

/** The reports that are kept with the code, unedited. */
export function Reports({ reports }: { reports: readonly ReportSummary[] }): ReactNode {
  return (
    <div className={classes.frame} tabIndex={0} role="region" aria-label="Committed reports">
      <Table verticalSpacing={9} className={classes.table}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Provider</Table.Th>
            <Table.Th>Verdict</Table.Th>
            <Table.Th>Checks kept</Table.Th>
            <Table.Th>Profiles</Table.Th>
            <Table.Th>Isolation</Table.Th>
            <Table.Th>Date</Table.Th>
            <Table.Th>Report</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {reports.map((report) => (
            <Row key={report.name} report={report} />
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

function Row({ report }: { report: ReportSummary }): ReactNode {
  const { name, provider, mode, on, conformant, passed, applicable, profiles } = report;
  const kept = profiles.filter((profile) => profile.kept).length;
  return (
    <Table.Tr>
      <Table.Td>
        <ProviderName id={provider} emulated={mode === 'emulated'} />
        {on !== undefined && (
          <Text span size="xs" c="dimmed" ml={8}>
            on {on}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <StateLabel tone={conformant ? 'good' : 'warn'}>
          {conformant ? 'conformant' : 'not in all'}
        </StateLabel>
      </Table.Td>
      <Table.Td>
        <span className={classes.share}>
          <span className={classes.bar} aria-hidden>
            <span style={{ width: `${(passed / Math.max(1, applicable)) * 100}%` }} />
          </span>
          <span className="numbers">
            {passed} of {applicable}
          </span>
        </span>
      </Table.Td>
      <Table.Td className="numbers">
        {kept} of {profiles.length}
      </Table.Td>
      <Table.Td>{report.isolation}</Table.Td>
      <Table.Td className="numbers">{report.date.slice(0, 10)}</Table.Td>
      <Table.Td>
        <span className={classes.links}>
          <Anchor
            size="sm"
            href={report.href}
            target="_blank"
            aria-label={`Open the report of ${name}`}
          >
            Open
          </Anchor>
          <Anchor
            size="sm"
            href={`/api/conformance/reports/${name}.json?attachment=1`}
            download
            aria-label={`JSON report of ${name}`}
          >
            JSON
          </Anchor>
        </span>
      </Table.Td>
    </Table.Tr>
  );
}
