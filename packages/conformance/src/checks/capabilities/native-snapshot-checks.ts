import type { NativeSnapshotRef, Sandbox } from '@gantry/core';
import { must, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';
import { undeclared } from './undeclared.ts';

const needs = { capability: 'nativeSnapshot' } as const;

/** Does something with a snapshot of the first declared kind, and removes it. */
async function withSnapshot(
  t: CheckContext,
  sandbox: Sandbox,
  work: (snapshot: NativeSnapshotRef, sourceSurvives: boolean) => Promise<void>,
): Promise<void> {
  const kind = t.present(
    t.capabilities.nativeSnapshot?.kinds[0],
    'nativeSnapshot declares no kind',
  );
  const snapshot = await sandbox.nativeSnapshot(kind.scope);
  try {
    t.equal(snapshot.scope, kind.scope, 'scope');
    await work(snapshot, kind.sourceSurvives);
  } finally {
    await t.provider.removeNativeSnapshot(snapshot);
  }
}

async function createFrom(t: CheckContext, snapshot: NativeSnapshotRef): Promise<Sandbox> {
  const sandbox = await t.provider.createFrom(snapshot, { labels: t.state.labels });
  t.adopt(sandbox.ref);
  return sandbox;
}

export const nativeSnapshotChecks: readonly Check[] = [
  undeclared('native-snapshot', 'nativeSnapshot', (sandbox) => sandbox.nativeSnapshot('workspace')),
  must(
    'native-snapshot/restores',
    'native-snapshot-exact',
    'a sandbox from a native snapshot has every file as it was',
    async (t) => {
      const sandbox = await t.create();
      const line =
        'mkdir -p a/empty; printf "\\000\\377" > a/bytes; printf "#!/bin/sh\\necho ran\\n" > tool; chmod 751 tool; ln -s a/bytes link; ln a/bytes twin; touch -d @1000000000 a/bytes; echo x > gone; rm gone; printf y > "odd\nname"';
      t.succeeded(await sandbox.exec(line), 'set-up');
      await withSnapshot(t, sandbox, async (snapshot) => {
        const copy = await createFrom(t, snapshot);
        t.ok(copy.ref.id !== sandbox.ref.id, 'the new sandbox is the old one');
        t.bytes(await copy.files.readBytes('a/bytes'), Uint8Array.from([0, 255]), 'bytes');
        t.equal((await copy.files.stat('tool')).mode, 0o751, 'mode');
        t.equal((await copy.exec(['./tool'])).stdout.text, 'ran\n', 'a program');
        t.equal(
          Buffer.from((await copy.files.stat('link')).target ?? []).toString(),
          'a/bytes',
          'target of a link',
        );
        t.equal((await copy.files.stat('a/bytes')).links, 2, 'names of a hard link');
        t.equal(
          (await copy.files.stat('a/bytes')).modifiedMs,
          1_000_000_000_000,
          'time of last change',
        );
        t.equal((await copy.files.stat('a/empty')).type, 'directory', 'an empty directory');
        t.equal(
          [await copy.files.exists('gone'), await copy.files.readText('odd\nname')],
          [false, 'y'],
          'a removed file and an odd name',
        );
      });
    },
    { needs },
  ),
  must(
    'native-snapshot/immutable',
    'native-snapshot-immutable',
    'a native snapshot is no live pointer',
    async (t) => {
      const sandbox = await t.create();
      await sandbox.files.write('file', 'before');
      await withSnapshot(t, sandbox, async (snapshot, sourceSurvives) => {
        if (sourceSurvives) {
          t.equal(
            (await sandbox.exec('echo after > file; echo new > added; cat file')).stdout.text,
            'after\n',
            'the source, which survives',
          );
        } else {
          t.ok(
            (await t.provider.inspect(sandbox.ref)).state !== 'running',
            'the source runs on, though it is declared not to',
          );
        }
        const one = await createFrom(t, snapshot);
        t.equal(
          [await one.files.readText('file'), await one.files.exists('added')],
          ['before', false],
          'the first copy',
        );
        await one.files.write('file', 'changed in a copy');
        const two = await createFrom(t, snapshot);
        t.equal(await two.files.readText('file'), 'before', 'the second copy');
      });
    },
    { needs },
  ),
  must(
    'native-snapshot/removed',
    'native-snapshot-removed',
    'a removed snapshot is not-found, and removing is idempotent',
    async (t) => {
      const sandbox = await t.create();
      await sandbox.files.write('file', 'x');
      await withSnapshot(t, sandbox, async (snapshot) => {
        t.equal(JSON.parse(JSON.stringify(snapshot)), snapshot, 'the ref after JSON');
        await t.provider.destroy(sandbox.ref);
        const copy = await createFrom(t, snapshot);
        t.equal(await copy.files.readText('file'), 'x', 'a file, after the source was destroyed');
        await t.provider.removeNativeSnapshot(snapshot);
        await t.provider.removeNativeSnapshot(snapshot);
        await t.rejects(
          'not-found',
          () => createFrom(t, snapshot),
          'create from a removed snapshot',
        );
        t.equal(await copy.files.readText('file'), 'x', 'a sandbox made from it, afterwards');
      });
    },
    { needs },
  ),
];
