import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { directoryWith, gantry } from './gantry.ts';

const job = (port: number): string => `
export const name = 'fetch';
const network = { mode: 'allow-list', allow: ['127.0.0.1/32:${port}'] };
export const options = { sandbox: { manifest: { spec: 'gantry-manifest/1', network } } };
const ask = (host) => [
  'exec 3<>/dev/tcp/127.0.0.1/3128',
  "printf 'GET http://%s/report HTTP/1.1\\\\r\\\\nHost: %s\\\\r\\\\nConnection: close\\\\r\\\\n\\\\r\\\\n' " + host + ' ' + host + ' >&3',
  'cat <&3',
].join('; ');
export default (run) => run.step('fetch', async () => {
  const said = [];
  for (const host of ['127.0.0.1:${port}', 'elsewhere.test']) {
    said.push((await run.sandbox.exec(['bash', '-c', ask(host)])).stdout.text.split('\\r\\n')[0]);
  }
  return said;
});
`;

test('a run behind --egress reaches what its manifest allows, and egress log shows what it tried', async () => {
  const server = createServer((_request, response) => response.end('here it is'));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const cwd = await directoryWith({ 'job.mjs': job(port) });
  const env = {
    XDG_STATE_HOME: path.join(cwd, 'state'),
    XDG_CONFIG_HOME: path.join(cwd, 'config'),
  };
  const refused = await gantry(['run', 'job.mjs', '--id', 'none'], { cwd, env });
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toMatch(/allow-list is asked for/);
  expect(refused.stderr).toMatch(/--egress/);
  const run = await gantry(['run', 'job.mjs', '--id', 'one', '--egress'], { cwd, env });
  expect(run, run.stderr).toMatchObject({ code: 0 });
  expect(JSON.parse(run.text)).toEqual(['HTTP/1.1 200 OK', 'HTTP/1.1 403 Forbidden']);
  const log = (await gantry(['egress', 'log', 'one'], { cwd, env })).text;
  expect(log).toMatch(new RegExp(`allowed  http  127.0.0.1:${port}  GET /report  `));
  expect(log).toMatch(/end {6}status 200 {2}out 0 {2}in 10 {2}/);
  const denied = await gantry(['egress', 'log', 'one', '--denied', '--json'], { cwd, env });
  const lines = denied.text.trim().split('\n');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    ...{ type: 'decision', host: 'elsewhere.test', allowed: false, rule: 'not-listed' },
    ...{ method: 'GET', path: '/report' },
  });
});
