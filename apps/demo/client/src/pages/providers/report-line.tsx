import type { ReactNode } from 'react';
import type { ReportSummary } from '../../../../src/protocol/providers.ts';
import classes from './page.module.css';

/** The verdict of a committed report in one line. */
export function ReportLine({ report }: { report: ReportSummary }): ReactNode {
  const { passed, applicable, conformant, mode, on, profiles } = report;
  const where = mode === 'live' ? 'live' : `emulator on ${on ?? 'local'}`;
  const broken = profiles.filter(({ kept }) => !kept).map(({ name }) => name);
  return (
    <span className={classes.report}>
      <span className={classes.share} data-whole={conformant || undefined} aria-hidden>
        <span style={{ width: `${(passed / applicable) * 100}%` }} />
      </span>
      <span className="numbers">
        {passed} of {applicable}
      </span>
      <span className={classes.where}>{where}</span>
      <span className={classes.verdict} data-whole={conformant || undefined}>
        {conformant ? 'conformant' : `not in ${broken.join(', ')}`}
      </span>
    </span>
  );
}
