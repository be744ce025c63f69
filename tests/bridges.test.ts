import { execFile } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { e2b as e2bEmulator } from '@gantry/emulators/e2b';
import { GantrySandboxClient } from '@gantry/openai-agents';
import { docker } from '@gantry/provider-docker';
import { e2b } from '@gantry/provider-e2b';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { call, connect } from '../packages/mcp-server/test/connect.ts';
import { testImages } from '../packages/provider-docker/test/test-images.ts';
import { root } from '../scripts/repository.ts';
import { bridgeTour, expectedTour, useMcpTools } from './bridge-tour.ts';
import { emulate } from './emulated-provider.ts';

// Each bridge is tested in its package on local sandboxes; here on what else there is.

/** An ordinary user of no name. */
const ordinaryUid = 64_997;
const execute = promisify(execFile);

function daemon(): string {
  const found = inject('docker');
  if ('problem' in found) throw new Error(found.problem);
  return found.host;
}

test('every bridge serves an ordinary user', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'gantry-bridges-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const program = path.join(import.meta.dirname, 'bridge-tour-of-local.ts');
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) chownSync(directory, ordinaryUid, ordinaryUid);
  // The repository may lie below a closed directory, such as root's home.
  const script = `mount --rbind "$1" /mnt && cd / && shift && exec setpriv --reuid ${ordinaryUid} --regid ${ordinaryUid} --clear-groups "$@"`;
  const moved = (file: string): string =>
    isRoot && file.startsWith(`${root}/`) ? path.join('/mnt', path.relative(root, file)) : file;
  const line = [moved(process.execPath), moved(program), directory] as const;
  const { stdout } = isRoot
    ? await execute('unshare', ['--mount', 'sh', '-c', script, 'sh', root, ...line], {
        env: { PATH: '/usr/bin:/bin' },
      })
    : await execute(line[0], line.slice(1));
  expect(JSON.parse(stdout)).toEqual(expectedTour);
});

test('every bridge works with a vendor, by its SDK and an emulator', async () => {
  const connection = { requestTimeoutMs: 120_000 };
  await using emulated = await emulate(e2bEmulator, ({ key: apiKey, url }) =>
    e2b({ apiKey, apiUrl: url, sandboxUrl: url, ...connection }),
  );
  expect(await bridgeTour(emulated.provider)).toEqual(expectedTour);
});

describe('docker', () => {
  test('every bridge works with containers', async () => {
    const provider = docker({ host: daemon(), image: testImages.busybox });
    expect(await bridgeTour(provider)).toEqual({
      ...expectedTour,
      left: expect.any(Number) as unknown,
    });
  });

  test('gantry mcp --provider docker --manifest gives a client its sandbox, snapshots and forks', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'gantry-mcp-docker-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const manifest = path.join(directory, 'm.yaml');
    writeFileSync(
      manifest,
      `spec: gantry-manifest/1\nimage: ${testImages.debian}\nentries:\n  given.txt: { type: file, text: given }\n`,
    );
    const bin = path.join(root, 'packages/cli/bin/gantry.js');
    const { PATH = '' } = process.env;
    const client = await connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [bin, 'mcp', '--provider', 'docker', '--manifest', manifest],
        env: { PATH, DOCKER_HOST: daemon(), XDG_STATE_HOME: directory },
        stderr: 'inherit',
      }),
    );
    const given = await call(client, 'read_file', { path: 'given.txt' });
    expect(given).toContain('given');
    const inContainer = { command: 'test -e /.dockerenv && hostname', yield_ms: 100_000 };
    const host = await call(client, 'shell', inContainer);
    expect(host).toContain('[exit code 0]');
    expect(await useMcpTools(client)).toEqual(expectedTour['mcp']);
    await client.close();
    const provider = docker({ host: daemon() });
    const names = async (): Promise<readonly string[]> =>
      (await Array.fromAsync(provider.list())).map(({ ref }) => ref.id);
    const [hostname = 'none'] = host.split('\n');
    await expect
      .poll(async () => (await names()).some((id) => id.startsWith(hostname)), { timeout: 60_000 })
      .toBe(false);
  });

  test('the OpenAI Agents SDK reads, writes and patches files as another user', async () => {
    const provider = docker({ host: daemon(), image: testImages.debian });
    const client = new GantrySandboxClient({ provider });
    const session = await client.create({ manifest: { users: [{ name: 'nobody' }] } });
    try {
      const runAs = 'nobody';
      await session.execCommand({ cmd: 'mkdir -m 777 open; echo own > own; chmod 600 own' });
      await session.materializeEntry({
        ...{ path: 'open/a.txt', runAs },
        entry: { type: 'file', content: 'one\ntwo\n', permissions: 0o600 },
      });
      const editor = session.createEditor(runAs);
      const diff = '@@\n one\n-two\n+2\n';
      const patched = await editor.updateFile({ type: 'update_file', path: 'open/a.txt', diff });
      expect(patched).toMatchObject({ status: 'completed' });
      expect(Buffer.from(await session.readFile({ path: 'open/a.txt', runAs })).toString()).toBe(
        'one\n2\n',
      );
      const owner = await session.exec({ cmd: 'stat -c "%U %a" open/a.txt' });
      expect(owner.output).toBe('nobody 600\n');
      expect(await session.listDir({ path: 'open', runAs })).toMatchObject([{ name: 'a.txt' }]);
      // Its rights are that user's.
      await expect(session.readFile({ path: 'own', runAs })).rejects.toMatchObject({
        code: 'permission-denied',
      });
      await expect(
        session.materializeEntry({
          ...{ path: 'own', runAs },
          entry: { type: 'file', content: 'x' },
        }),
      ).rejects.toMatchObject({ code: 'permission-denied' });
      expect((await session.exec({ cmd: 'cat own' })).output).toBe('own\n');
      await expect(
        session.materializeEntry({
          ...{ path: 'open/d', runAs },
          entry: { type: 'local_dir', src: '.' },
        }),
      ).rejects.toMatchObject({ code: 'unsupported' });
    } finally {
      await session.close();
    }
  });
});
