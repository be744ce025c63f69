import type { Sandbox } from '@gantry/core';
import type { ChangeEntry, DriverHandle, SandboxDriver } from '@gantry/core/driver';
import { must, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';
import { tmpdir } from 'node:os';
import { withCanary } from '../isolation/probe.ts';

const needs = { capability: 'changes' } as const;

/** What a driver says of the changes in one sandbox. Users reach it through snapshots only. */
interface Observed {
  readonly sandbox: Sandbox;
  readonly mark: () => Promise<string>;
  readonly since: (mark: string) => Promise<Map<string, ChangeEntry>>;
}

async function observe(
  t: CheckContext,
  work: (observed: Observed) => Promise<void>,
): Promise<void> {
  const { driver, handle, sandbox } = await reach(t);
  const { changes } = driver;
  if (!changes) return t.fail('the driver has no changes');
  const call = { signal: t.signal };
  try {
    await work({
      sandbox,
      mark: () => changes.mark(handle, call),
      async since(mark) {
        const found = new Map<string, ChangeEntry>();
        for await (const entry of changes.since(handle, mark, call))
          found.set(Buffer.from(entry.path).toString('latin1'), entry);
        return found;
      },
    });
  } finally {
    await driver.release(handle);
  }
}

async function reach(
  t: CheckContext,
): Promise<{ driver: SandboxDriver; handle: DriverHandle; sandbox: Sandbox }> {
  let reached: SandboxDriver | undefined;
  t.provider.wrap((driver) => {
    reached = driver;
    return driver;
  });
  const driver = t.present(reached, 'the provider does not hand its driver to a wrapper');
  const sandbox = await t.create();
  return { driver, sandbox, handle: await driver.connect(sandbox.ref, { signal: t.signal }) };
}

export const changeChecks: readonly Check[] = [
  must(
    'changes/undeclared',
    'capability-absent',
    'a sandbox of a provider without changes tells none',
    async (t) => {
      const provider = t.provider.wrap((driver) => {
        const { changes: _left, ...rest } = driver;
        return rest;
      });
      const sandbox = await t.create({}, provider);
      t.equal(provider.capabilities.changes, undefined, 'what the provider declares');
      t.equal(sandbox.capabilities.changes, undefined, 'what the sandbox declares');
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'a command');
    },
    { twin: true },
  ),
  must(
    'changes/complete',
    'changes-complete',
    'every path that differs from a mark is told, whatever its times say',
    async (t) => {
      await observe(t, async ({ sandbox, mark, since }) => {
        const before =
          'mkdir -p a/b c empty; for n in 1 2 3 4 5 6; do echo $n > a/b/$n; done; ln -s 1 c/link; touch -d @1000000000 a/b/* ; touch -r a/b/1 ref';
        t.ok((await sandbox.exec(before)).ok, 'the files at first');
        const first = await mark();
        // The same size, and times set back.
        const change =
          'echo 9 > a/b/1; touch -r ref a/b/1; chmod 600 a/b/2; rm a/b/3; mv a/b/4 a/b/moved; ln -sfn 2 c/link; rmdir empty; mkdir -p new/deep; echo x > new/deep/file; printf z > "c/$(printf "\\351")"';
        t.ok((await sandbox.exec(change)).ok, 'the changes');
        const found = await since(first);
        const wanted: Readonly<Record<string, string | undefined>> = {
          'a/b/1': 'file',
          'a/b/2': 'file',
          'a/b/3': undefined,
          'a/b/4': undefined,
          'a/b/moved': 'file',
          'c/link': 'symlink',
          'c/\u00e9': 'file',
          empty: undefined,
          new: 'directory',
          'new/deep': 'directory',
          'new/deep/file': 'file',
        };
        for (const [name, type] of Object.entries(wanted)) {
          const entry = t.present(found.get(name), `${name} has changed, and is not told`);
          t.equal(entry.stat?.type, type, `type of ${name}`);
        }
        t.equal(found.get('a/b/2')?.stat?.mode, 0o600, 'mode');
        const order = [...found.keys()];
        for (const [index, name] of order.entries()) {
          const parent = order.indexOf(name.slice(0, Math.max(0, name.lastIndexOf('/'))));
          t.ok(parent < index, `${name} is told before its directory`);
        }
        const open = found.get('a/b/1')?.open;
        if (open) t.equal(await new Response(open()).text(), '9\n', 'contents');
      });
    },
    { needs },
  ),
  must(
    'changes/confined',
    'changes-confined',
    'the host reads what changed itself, and follows no link of the guest',
    async (t) => {
      if (t.capabilities.changes?.evidence !== 'host-layer') {
        t.equal(t.capabilities.changes?.evidence, 'guest-metadata', 'evidence');
        return;
      }
      await withCanary(tmpdir(), async ({ file, contents }) => {
        await observe(t, async ({ sandbox, mark, since }) => {
          const empty = await mark();
          const line = 'mkdir d; echo in > d/f; ln -s "$1" out; mkfifo pipe';
          t.ok((await sandbox.exec(['sh', '-c', line, 'sh', file])).ok, 'the changes');
          const found = await since(empty);
          t.equal(found.get('out')?.stat?.type, 'symlink', 'a link');
          t.equal(found.get('out')?.open, undefined, 'a way to open a link');
          t.equal(found.get('pipe')?.open, undefined, 'a way to open a fifo');
          const inside = t.present(found.get('d/f')?.open, 'a file cannot be opened');
          const swap = 'rm -r d && mkdir e && ln -s e d && ln -s "$1" e/f';
          t.ok((await sandbox.exec(['sh', '-c', swap, 'sh', file])).ok, 'a link in its place');
          const read = async (): Promise<string> => new Response(inside()).text();
          const error = await t.rejects('aborted', read, 'reading what a link has replaced');
          t.ok(!error.message.includes(contents), 'the error tells contents of the host');
        });
      });
    },
    { needs },
  ),
];
