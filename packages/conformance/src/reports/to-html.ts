import type { CheckReport, Report } from '../runner/report.ts';
import { escapeMarkup } from './escape-markup.ts';

const style = `
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;width:100%;margin:1rem 0}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #d8dee4}
code,pre{font:13px/1.4 ui-monospace,monospace}
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.2rem 0}
.pass,.conformant{color:#116329}.fail,.error,.untestable,.nonconformant{color:#a40e26;font-weight:600}
.unsupported,.partial{color:#7d4e00}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}th,td{border-color:#30363d}
.pass,.conformant{color:#56d364}.fail,.error,.untestable,.nonconformant{color:#ff7b72}.unsupported,.partial{color:#e3b341}}`;

/**
 * A report as one self-contained page: no script, nothing loaded, every text escaped. Messages hold
 * what guests wrote, and guests are hostile.
 */
export function toHtml(report: Report): string {
  const { subject, suite } = report;
  const title = escapeMarkup(`${subject.name}: Gantry conformance`);
  const facts: readonly (readonly [string, string])[] = [
    ['Subject', [subject.name, subject.version ?? ''].join(' ').trim()],
    ['Isolation', subject.isolation],
    ['Mode', report.mode],
    ['Suite', `${suite.name} ${suite.version}, requirements ${suite.requirements.slice(0, 12)}`],
    ['Started', report.startedAt],
    ['Took', `${(report.ms / 1_000).toFixed(1)} s, ${report.concurrency} at a time`],
    ['Seed', String(report.seed)],
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title><style>${style}</style></head><body>
<h1>${title}</h1>
<table>${facts.map(([name, value]) => `<tr><th>${escapeMarkup(name)}</th><td>${escapeMarkup(value)}</td></tr>`).join('')}</table>
<h2>Profiles</h2>
<table><tr><th>Profile</th><th>Verdict</th><th>Passed</th><th>Failed</th><th>Untestable</th><th>Unsupported</th><th>Errors</th></tr>
${Object.entries(report.profiles).map(profileRow).join('\n')}</table>
${weaker(report)}<h2>Checks</h2>
<table><tr><th>Check</th><th>Level</th><th>Status</th><th>Assertions</th><th>ms</th></tr>
${report.checks.map(checkRow).join('\n')}</table>
</body></html>
`;
}

function profileRow([name, profile]: [string, Report['profiles'][string]]): string {
  const { status, supported, checks } = profile;
  const verdict = supported ? status : `${status} (not declared)`;
  const counts = [checks.pass, checks.fail, checks.untestable, checks.unsupported, checks.error];
  return `<tr><td>${escapeMarkup(name)}</td><td class="${status}">${verdict}</td>${counts.map((count) => `<td>${count}</td>`).join('')}</tr>`;
}

function weaker({ weaker: protections }: Report): string {
  const rows = Object.entries(protections);
  if (rows.length === 0) return '';
  const items = rows.map(
    ([id, text]) => `<li><code>${escapeMarkup(id)}</code> ${escapeMarkup(text)}</li>`,
  );
  return `<h2>Weaker by declaration</h2><ul>${items.join('')}</ul>\n`;
}

function checkRow(check: CheckReport): string {
  const { id, level, title, status, assertions, ms, message, known } = check;
  const said = [known === undefined ? '' : `known failure: ${known}`, message ?? ''].filter(
    Boolean,
  );
  const detail = said.map((text) => `<pre>${escapeMarkup(text)}</pre>`).join('');
  return `<tr><td><code>${escapeMarkup(id)}</code><br>${escapeMarkup(title)}${detail}</td><td>${level}</td><td class="${status}">${status}</td><td>${assertions}</td><td>${ms}</td></tr>`;
}
