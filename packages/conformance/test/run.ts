import { runConformance } from '../src/index.ts';
const [load = '', ...only] = process.argv.slice(2);
const report = await runConformance({
  subject: { load },
  ...(only[0] === '-p' ? { profiles: only.slice(1) } : only.length ? { only } : {}),
  ...(process.env['ASSUME'] ? { assumeIsolation: process.env['ASSUME'] as 'process' } : {}),
});
for (const c of report.checks)
  if (c.status !== 'pass' && c.status !== 'unsupported')
    console.log(c.status, c.id, c.ms, c.message);
console.log(
  report.ms,
  report.profiles,
  report.checks
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, 8)
    .map((c) => c.id + ' ' + c.ms)
    .join(', '),
);
