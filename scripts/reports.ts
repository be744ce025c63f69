import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { requireBuild } from './built.ts';
import {
  committedReports,
  reportDocument,
  reportName,
  withReportTable,
} from './conformance-reports.ts';
import { root, runCommand } from './repository.ts';
import { withDocker } from './with-docker.ts';

// Runs the conformance suite over a provider, and writes its reports and what is made of them.

const [name = '', ...options] = process.argv.slice(2);
if (!/^[a-z][a-z0-9-]*$/.test(name)) {
  process.stderr.write('Usage: npm run reports -- PROVIDER [options of gantry conformance]\n');
  process.exitCode = 64;
} else {
  await requireBuild();
  const folder = path.join(root, 'reports');
  mkdirSync(folder, { recursive: true });
  const backend = options[options.indexOf('--on') + 1];
  const on = options.includes('--on') && backend !== 'local' ? backend : undefined;
  const file = (ending: string): string => path.join(folder, `${reportName(name, on)}.${ending}`);
  const outputs = ['--report', file('json'), '--html', file('html'), '--badge', file('badge.json')];
  const program = path.join(root, 'packages', 'cli', 'bin', 'gantry.js');
  const parameters = [program, 'conformance', name, ...outputs, ...options];
  const run = async (environment: Readonly<Record<string, string>>): Promise<number> =>
    (await runCommand(process.execPath, parameters, { show: true, environment })).code;
  // What `DOCKER_HOST` names, else a private daemon.
  const isPrivate = [name, on].includes('docker') && !process.env['DOCKER_HOST'];
  process.exitCode = isPrivate
    ? await withDocker((host) => run({ DOCKER_HOST: host }))
    : await run({});
  const reports = committedReports();
  for (const [each, report] of reports)
    writeFileSync(path.join(folder, `${each}.md`), reportDocument(each, report));
  const readme = path.join(root, 'README.md');
  writeFileSync(readme, withReportTable(readFileSync(readme, 'utf8'), reports));
}
