import net from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Provider, Sandbox, Snapshot, SnapshotStore } from '../../src/index.ts';
import { diffSnapshots, memoryStore } from '../../src/snapshot.ts';
import {
  directoryProvider,
  inWorkspace,
  openWorkspace,
  toolSets,
  untilSettled,
  workspaceOf,
} from './workspaces.ts';

vi.setConfig({ testTimeout: 240_000 });

/** Everything that a listing of the host tells of a workspace, times to the second, names escaped. */
const listing = String.raw`find . -mindepth 1 -printf '%P|%y|%m|%s|%n|%Ts|%l\n' | sed 's/|d|\([0-7]*\)|[0-9]*|[0-9]*/|d|\1|-|-/' | sort; find . -type f -print0 | sort -z | xargs -0r sha256sum`;

/** The `tar` of busybox does not set the times of symbolic links. */
const timesOfLinks = /(\|l\|777\|\d+\|1\|)\d+/g;

const contents = String.raw`
mkdir -p a/b/c empty 'with space' "quote's" 'new
line' ./-rf 'a\b' closed
: > zero
printf 'text' > a/b/c/file
printf 'x' > 'with space/ leading and trailing '
printf 'x' > "quote's/\"double\""
printf 'x' > 'new
line/x
y'
printf 'x' > ./-rf/--help
printf 'x' > 'a\b/c\nd'
printf 'x' > .hidden
printf 'x' > $'not-utf8-\xff\xfe'
mkdir $'\xe9t\xe9'; printf 'x' > $'\xe9t\xe9/\xc3\xa9'
printf 'x' > $(printf 'n%.0s' {1..255})
printf 'run' > run.sh; chmod 0755 run.sh
printf 'secret' > private; chmod 0600 private
printf 'ro' > readonly; chmod 0444 readonly
ln -s /nowhere/at/all dangling; ln -s /etc/passwd absolute; ln -s b/../b/c/file a/relative
ln -s loop loop; ln -s ../../../.. up; ln -s '' nothing 2>/dev/null || true
ln -s "$(printf 't%.0s' {1..300})" longtarget; ln -s $'odd\xff\n' oddtarget
printf 'linked' > first; ln first second; ln first a/b/third
truncate -s 3000000 sparse; printf end >> sparse
head -c 2500000 /dev/urandom > large
touch -d '2001-02-03 04:05:06.789' a/b/c/file; touch -h -d '1999-01-01' dangling
touch -d '1990-05-05' empty
chmod 0500 closed`;

/** The host driver of these tests cannot remove what is too deep. */
function withoutDepth(sandbox: Sandbox): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      inWorkspace(sandbox, 'rm -rf -- *');
    },
  };
}

describe.each(toolSets)('with %s tools', (tools) => {
  let provider: Provider & Disposable;
  let sandbox: Sandbox;
  let store: SnapshotStore;
  beforeAll(async () => {
    provider = directoryProvider(tools);
    sandbox = await openWorkspace(await provider.create());
    store = memoryStore();
  });
  afterAll(async () => {
    await sandbox.destroy();
    provider[Symbol.dispose]();
  });

  async function comesBack(snapshot: Snapshot, from: Sandbox): Promise<void> {
    await using again = await openWorkspace(
      await provider.rehydrate(snapshot, store, { verify: true }),
    );
    expect(again.origin).toMatchObject({ how: 'rehydrated', by: 'snapshot', verified: true });
    const hidden = tools === 'busybox' ? timesOfLinks : /(?!)()/;
    const [now, then] = [again, from].map((one) =>
      inWorkspace(one, listing).replaceAll(new RegExp(hidden, 'g'), '$1'),
    );
    expect(now).toBe(then);
    const next = await again.snapshot(store, { evidence: 'bytes' });
    expect(next.tree).toBe(snapshot.tree);
    expect(next.contents).toEqual(snapshot.contents);
  }

  test('every kind of entry comes back exactly', async () => {
    inWorkspace(sandbox, contents);
    const snapshot = await sandbox.snapshot(store);
    expect(snapshot).toMatchObject({ evidence: 'bytes', skipped: [], changing: [] });
    await comesBack(snapshot, sandbox);
  });

  test('what changes, goes, and becomes something else is in the next snapshot, and nothing else travels', async () => {
    await untilSettled();
    const before = await sandbox.snapshot(store);
    inWorkspace(
      sandbox,
      String.raw`
printf 'more' >> a/b/c/file; rm zero; rm -r 'with space'
rm run.sh; mkdir run.sh; printf inner > run.sh/x
rm -r ./-rf; printf 'a file now' > ./-rf
rm dangling; printf 'no link' > dangling
rm private; ln -s run.sh private
rm second; ln sparse second; chmod 0640 readonly; mv first renamed`,
    );
    const after = await sandbox.snapshot(store, { parent: before });
    expect(after).toMatchObject({ evidence: 'guest-metadata', parent: before.id });
    // The file, the new ones, and all names of files whose names have changed: not the large one.
    expect(after.work.bytesRead).toBeLessThan(3_000_003 + 200);
    expect(after.work.bytesStored).toBeLessThan(2_000);
    const full = await sandbox.snapshot(store, { evidence: 'bytes' });
    expect(after.tree).toBe(full.tree);
    expect(after.contents).toEqual(full.contents);
    await comesBack(after, sandbox);
    const differences = await Array.fromAsync(diffSnapshots(before, after, store));
    expect(differences.map(({ path: at, kind }) => `${kind} ${at}`)).toEqual([
      'changed -rf',
      'removed -rf/--help',
      'changed a/b/c/file',
      'changed dangling',
      'removed first',
      'changed private',
      'changed readonly',
      'added renamed',
      'changed run.sh',
      'added run.sh/x',
      'changed second',
      'changed sparse',
      'removed with space',
      'removed with space/ leading and trailing ',
      'removed zero',
    ]);
  });

  test('holes come back as holes where tar can make them, and as zeros where it cannot, which is said', async () => {
    await using sparse = await openWorkspace(await provider.create());
    // In all places and more of them than one header takes, none of them where a block begins or ends.
    inWorkspace(
      sparse,
      `for at in {0..30}; do head -c 1000 /dev/urandom | dd of=many bs=1000003 seek=$at conv=notrunc; done 2>/dev/null
truncate -s 9000001 empty; truncate -s 9000001 front; printf end >> front; printf start > back; truncate -s 9000001 back
truncate -s 5242880 even; ln many 'other name'; head -c 9000000 /dev/urandom > full`,
    );
    const first = await sparse.snapshot(store);
    expect(first.work.bytesStored).toBeLessThan(9_000_000 + 31 * 1_000 + 10_000);
    await comesBack(first, sparse);
    await using again = await openWorkspace(await provider.rehydrate(first, store));
    const onDisk = Number(inWorkspace(again, 'du -k --exclude=full -s .').split('\t')[0]);
    const isMade = tools === 'GNU';
    expect({
      said: again.origin.lost.includes('holes'),
      small: onDisk < 18_000,
      noBlocks: inWorkspace(again, 'stat -c %b empty even') === '0\n0\n',
    }).toEqual({ said: !isMade, small: isMade, noBlocks: isMade });
  });

  test('nothing changed: the same tree, and no bytes', async () => {
    await untilSettled();
    const before = await sandbox.snapshot(store);
    const after = await sandbox.snapshot(store, { parent: before });
    expect(after.tree).toBe(before.tree);
    expect(after.work).toMatchObject({ filesRead: 0, bytesRead: 0, bytesStored: 0 });
  });

  test('paths longer than a system call takes', async () => {
    await using deep = await openWorkspace(await provider.create());
    await using __ = withoutDepth(deep);
    const name = 'd'.repeat(240);
    inWorkspace(
      deep,
      `for level in {1..22}; do printf "at $level" > file; mkdir ${name}; cd -P ./${name}; done; printf leaf > leaf`,
    );
    const first = await deep.snapshot(store);
    expect(first.contents).toMatchObject({ files: 23, directories: 22 });
    await using again = await openWorkspace(
      await provider.rehydrate(first, store, { verify: true }),
    );
    await using ___ = withoutDepth(again);
    await untilSettled();
    const base = await again.snapshot(store, { parent: first });
    expect(base.tree).toBe(first.tree);
    const leaf = `while [ -d ${name} ]; do cd -P ./${name}; done; printf changed > leaf`;
    inWorkspace(again, leaf);
    const next = await again.snapshot(store, { parent: base });
    expect(next.work).toMatchObject({ filesRead: 1, bytesRead: 7 });
    const whole = await again.snapshot(store, { evidence: 'bytes' });
    expect(next.tree).toBe(whole.tree);
  });

  test('sockets, fifos and devices are left out, and named', async () => {
    await using special = await openWorkspace(await provider.create());
    inWorkspace(special, 'mkfifo fifo; mknod device c 0 0; printf x > file');
    const server = net.createServer();
    await new Promise<void>((resolve) =>
      server.listen(path.join(workspaceOf(special), 'socket'), resolve),
    );
    try {
      const snapshot = await special.snapshot(store);
      expect(snapshot.contents.files).toBe(1);
      expect(snapshot.skipped.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
        { path: 'device', type: 'character-device' },
        { path: 'fifo', type: 'fifo' },
        { path: 'socket', type: 'socket' },
      ]);
      await using again = await provider.rehydrate(snapshot, store);
      expect(again.origin.lost).toEqual(['processes', 'memory', 'skipped-entries']);
    } finally {
      server.close();
    }
  });

  test('special modes are kept in the snapshot, and come back when asked for', async () => {
    await using special = await openWorkspace(await provider.create());
    inWorkspace(
      special,
      'printf x > s; chmod 4755 s; printf x > g; chmod 2755 g; mkdir t; chmod 1777 t',
    );
    const snapshot = await special.snapshot(store);
    await using plain = await openWorkspace(await provider.rehydrate(snapshot, store));
    expect(plain.origin.lost).toContain('special-modes');
    expect(inWorkspace(plain, 'stat -c %a s g t')).toBe('755\n755\n777\n');
    await using kept = await openWorkspace(
      await provider.rehydrate(snapshot, store, { keepSpecialModes: true, verify: true }),
    );
    expect(kept.origin.lost).not.toContain('special-modes');
    expect(inWorkspace(kept, 'stat -c %a s g t')).toBe('4755\n2755\n1777\n');
  });
});
