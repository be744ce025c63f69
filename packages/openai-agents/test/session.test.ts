import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Manifest as GantryManifest, Provider, SnapshotStore } from '@gantry/core';
import { memoryStore } from '@gantry/core/snapshot';
import { GantrySandboxClient, type GantrySandboxSession } from '@gantry/openai-agents';
import { local } from '@gantry/provider-local';
import { type Entry, Manifest, type SnapshotSpec } from '@openai/agents/sandbox';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shown } from './scripted.ts';

const scratch = mkdtempSync(path.join(tmpdir(), 'gantry-agents-session-'));
const provider = local({ stateDirectory: path.join(scratch, 'state') });
const port = 8_123;
const manifest: GantryManifest = {
  spec: 'gantry-manifest/1',
  ports: [port],
  entries: { 'of-the-client.txt': { type: 'file', text: 'client' } },
};
const client = new GantrySandboxClient({ provider, manifest, baseDirectory: scratch });
let session: GantrySandboxSession;

beforeAll(async () => {
  writeFileSync(path.join(scratch, 'local.sh'), 'echo local\n', { mode: 0o755 });
  session = await client.create({
    manifest: {
      entries: {
        'bin/local.sh': { type: 'local_file', src: 'local.sh' },
        large: { type: 'file', content: new Uint8Array(5 * 1024 * 1024).fill(7) },
        'bytes.bin': { type: 'file', content: Uint8Array.of(0, 255, 10, 128) },
      },
    },
  });
});
afterAll(async () => {
  await session.close();
  rmSync(scratch, { recursive: true, force: true });
});

test('entries of both manifests are in place, to the byte', async () => {
  const { output } = await session.exec({
    cmd: 'bin/local.sh; cat of-the-client.txt; wc -c < large',
  });
  expect(output).toBe(`local\nclient${5 * 1024 * 1024}\n`);
  expect(await session.readFile({ path: 'bytes.bin' })).toEqual(Uint8Array.of(0, 255, 10, 128));
  expect(await session.readFile({ path: 'large', maxBytes: 3 })).toEqual(Uint8Array.of(7, 7, 7));
});

test('outputs apart, exit codes exact, long outputs cut in the middle', async () => {
  const { stdout, stderr, exitCode } = await session.exec({
    cmd: 'echo out; echo err >&2; exit 9',
  });
  expect({ stdout, stderr, exitCode }).toEqual({ stdout: 'out\n', stderr: 'err\n', exitCode: 9 });
  const long = await session.exec({
    cmd: 'echo start; seq 100000; echo öend',
    maxOutputTokens: 50,
  });
  expect(long.output).toMatch(
    /^Total output lines: 100003\n\nstart[\s\S]*tokens truncated[\s\S]*öend\n$/,
  );
  expect(Buffer.byteLength(long.output)).toBeLessThan(300);
});

test('a process that is left behind does not hold the answer back', async () => {
  const { exitCode, output } = await session.exec({
    cmd: 'sleep 1000 & echo started',
    yieldTimeMs: 60_000,
  });
  expect({ exitCode, output }).toEqual({ exitCode: 0, output: 'started\n' });
});

test('directories are listed and looked for', async () => {
  await session.execCommand({ cmd: 'mkdir -p d/sub; echo x > d/file; ln -s /etc d/link' });
  expect(await session.listDir({ path: 'd' })).toEqual([
    { name: 'file', path: 'd/file', type: 'file' },
    { name: 'link', path: 'd/link', type: 'other' },
    { name: 'sub', path: 'd/sub', type: 'dir' },
  ]);
  const exists = await Promise.all(
    ['d', 'd/file', 'nowhere'].map((each) => session.pathExists(each)),
  );
  expect(exists).toEqual([true, true, false]);
  const isDirectory = ['/workspace/d', 'd/link', 'd/file', 'nowhere'].map((each) =>
    session.directoryExists(each),
  );
  expect(await Promise.all(isDirectory)).toEqual([true, true, false, false]);
  await expect(session.listDir({ path: 'nowhere' })).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(session.readFile({ path: 'nowhere' })).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(session.readFile({ path: '../etc/passwd' })).rejects.toThrow(
    /escapes the workspace/,
  );
});

test('a port is reached from the host', async () => {
  const server = `while (my $c = $s->accept) { <$c>; print $c "HTTP/1.0 200 OK\\r\\n\\r\\nserved"; close $c }`;
  const program = `use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => ${port}, Listen => 5) or die; print "up\\n"; $| = 1; ${server}`;
  await session.sandbox.files.write('server.pl', program);
  await session.exec({ cmd: 'perl server.pl', yieldTimeMs: 0 });
  const endpoint = await session.resolveExposedPort(port);
  expect(endpoint).toMatchObject({ tls: false, protocol: 'http' });
  await expect
    .poll(
      () =>
        fetch(`http://${endpoint.host}:${endpoint.port}/`).then(
          (each) => each.text(),
          () => '',
        ),
      {
        timeout: 60_000,
      },
    )
    .toBe('served');
  expect(JSON.stringify(await client.serializeSessionState(session.state))).not.toContain('http');
});

test('entries are put over what is there', async () => {
  await session.materializeEntry({ path: 'again.txt', entry: { type: 'file', content: 'one' } });
  await session.materializeEntry({ path: 'again.txt', entry: { type: 'file', content: 'two' } });
  const added = new Manifest({ environment: { ADDED: 'yes' } });
  await session.applyManifest(added);
  expect(shown(await session.execCommand({ cmd: 'cat again.txt; echo " $ADDED"' }))).toBe(
    'two yes\n',
  );
});

test('a workspace goes through an archive, to the byte, and what is no such archive changes nothing', async () => {
  await using own = await ownSession();
  await own.session.exec({
    cmd: "mkdir -p d/empty; printf '\\000\\377' > d/bytes; chmod 751 d/bytes; ln -s /etc d/away; ln d/bytes hard",
  });
  const archive = await own.session.persistWorkspace();
  const before = own.session.sandbox.ref;
  await own.session.exec({ cmd: 'rm -r d; echo later > later' });
  const { snapshots } = own;
  for (const [data, limits, code] of [
    [new Uint8Array(100), {}, 'invalid-argument'],
    [gzipSync(Buffer.alloc(10_240)), {}, 'invalid-argument'],
    [archive, { archiveLimits: { maxMembers: 1 } }, 'resource-exhausted'],
  ] as const) {
    await expect(own.session.hydrateWorkspace(data, limits)).rejects.toMatchObject({ code });
    expect(own.session.sandbox.ref).toEqual(before);
  }
  await own.session.hydrateWorkspace(Buffer.from(archive).toString('base64'));
  expect(own.session.state.ref).not.toEqual(before);
  const look =
    "find . | sort | tr '\\n' ' '; stat -c '%a %h' d/bytes; readlink d/away; od -An -tx1 hard; echo $LEVEL";
  expect((await own.session.exec({ cmd: look })).output).toBe(
    '. ./d ./d/away ./d/bytes ./d/empty ./hard 751 2\n/etc\n 00 ff\nthree\n',
  );
  // Its state leads on from there.
  await own.session.saveSnapshot();
  expect(await Array.fromAsync(snapshots.list('snapshots/'))).toHaveLength(1);
  expect(await Array.fromAsync(own.provider.list())).toHaveLength(1);
});

/** A session apart from that of the other tests. */
async function ownSession(): Promise<
  AsyncDisposable & {
    readonly session: GantrySandboxSession;
    readonly provider: Provider;
    readonly snapshots: SnapshotStore;
  }
> {
  const own = local({ stateDirectory: mkdtempSync(path.join(scratch, 'own-')) });
  const snapshots = memoryStore();
  const opened = await new GantrySandboxClient({ provider: own, snapshots }).create({
    manifest: { environment: { LEVEL: 'three' } },
  });
  return {
    ...{ session: opened, provider: own, snapshots },
    [Symbol.asyncDispose]: () => opened.close(),
  };
}

describe('what cannot be honoured is refused before anything happens', () => {
  const mount: Entry = { type: 's3_mount', bucket: 'b' };
  test.each<[string, Promise<unknown> | (() => unknown), string]>([
    ['another root', () => client.create(new Manifest({ root: '/srv' })), 'unsupported'],
    ['a mount', () => client.create({ manifest: { entries: { m: mount } } }), 'unsupported'],
    [
      'a local source from elsewhere',
      () =>
        client.create({ manifest: { entries: { p: { type: 'local_file', src: '/etc/passwd' } } } }),
      'permission-denied',
    ],
    ['users', () => client.create({ manifest: { users: ['ann'] } }), 'unsupported'],
    [
      'a snapshot of the SDK',
      () => client.create({ snapshot: { type: 'local' } satisfies SnapshotSpec }),
      'unsupported',
    ],
    [
      'a remote snapshot of the SDK',
      () => client.create({ snapshot: { type: 'remote', store: {} } }),
      'unsupported',
    ],
    ['an unknown option', () => client.create({ options: { imag: 'x' } }), 'invalid-argument'],
    [
      'a path in both manifests',
      () =>
        client.create({
          manifest: { entries: { 'of-the-client.txt': { type: 'file', content: '' } } },
        }),
      'invalid-argument',
    ],
    ['files as another user', () => session.readFile({ path: 'a', runAs: 'ann' }), 'unsupported'],
    ['a snapshot without a store', () => session.saveSnapshot(), 'failed-precondition'],
  ])('%s', async (_name, attempt, code) => {
    await expect(typeof attempt === 'function' ? attempt() : attempt).rejects.toMatchObject({
      code,
    });
    expect(await Array.fromAsync(provider.list())).toHaveLength(1);
  });

  test('a client that cannot pause, or with an option that there is not', () => {
    const plain = local({ isolation: 'none', stateDirectory: path.join(scratch, 'plain') });
    expect(() => new GantrySandboxClient({ provider: plain, afterRun: 'suspend' })).toThrow(
      /cannot suspend/,
    );
    expect(() => new GantrySandboxClient({ provider, image: 'x' })).toThrow(/no option "image"/);
    expect(client.backendId).toBe('gantry:local');
  });
});
