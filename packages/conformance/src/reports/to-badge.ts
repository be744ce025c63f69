import type { Report } from '../runner/report.ts';

/** A badge in the JSON of shields.io's endpoint (https://shields.io/badges/endpoint-badge). */
export interface Badge {
  readonly schemaVersion: 1;
  readonly label: string;
  readonly message: string;
  readonly color: string;
}

/** A report's badge. It always names the isolation class, and says `emulated` where no vendor was asked. */
export function toBadge(report: Report): Badge {
  const profiles = Object.values(report.profiles);
  const broken = profiles.some(({ status }) => status === 'nonconformant');
  const verdict = report.conformant ? 'conformant' : broken ? 'nonconformant' : 'partial';
  const color = report.conformant ? 'brightgreen' : broken ? 'red' : 'yellow';
  const mode = report.mode === 'emulated' ? ' · emulated' : '';
  return {
    schemaVersion: 1,
    label: 'gantry',
    message: `${verdict} · isolation ${report.subject.isolation}${mode}`,
    color: report.mode === 'emulated' && report.conformant ? 'green' : color,
  };
}
