import type { Sandbox, WatchEvent } from '@gantry/core';
import { must, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';
import { undeclared } from './undeclared.ts';

const needs = { capability: 'watch' } as const;

/** A watch in the background that has begun to tell. */
interface Watching {
  readonly told: WatchEvent[];
  readonly ended: Promise<void>;
  readonly control: AbortController;
}

/** Watches a directory. Returns once a change of a file in it has been told, so that nothing is missed. */
async function watching(t: CheckContext, sandbox: Sandbox, directory: string): Promise<Watching> {
  const told: WatchEvent[] = [];
  const control = new AbortController();
  const ended = (async () => {
    const events = sandbox.files.watch(directory, { signal: control.signal });
    for await (const event of events) told.push(event);
  })();
  ended.catch(() => undefined);
  const begun = async (): Promise<boolean> => {
    await sandbox.exec(`date +%s%N >> ${directory}/begun`);
    return told.some(({ path }) => path?.endsWith('/begun'));
  };
  await t.eventually(t.limits.command, begun, 'the first event of a watch');
  return { told, ended, control };
}

export const watchChecks: readonly Check[] = [
  undeclared('watch', 'watch', async (sandbox) => {
    for await (const _event of sandbox.files.watch('.')) break;
  }),
  must(
    'watch/events',
    'watch-tells',
    'a watch tells what was created, changed and removed, and ends when told',
    async (t) => {
      const sandbox = await t.create();
      await sandbox.files.write('watched/old', 'x');
      const { told, control, ended } = await watching(t, sandbox, 'watched');
      const isTold = (kind: WatchEvent['kind'], name: string): boolean =>
        told.some((event) => event.kind === kind && event.path?.endsWith(`/${name}`));
      for (const [kind, name, line] of [
        ['created', 'new', 'echo 1 > watched/new'],
        ['changed', 'old', 'echo 2 >> watched/old'],
        ['removed', 'old', 'rm watched/old'],
      ] as const) {
        t.ok((await sandbox.exec(line)).ok, line);
        await t.eventually(t.limits.command, () => isTold(kind, name), `"${line}" being told`);
      }
      control.abort();
      await t.promptly(t.limits.prompt, Promise.allSettled([ended]), 'the end of the watch');
    },
    { needs },
  ),
  must(
    'watch/ends',
    'watch-end',
    'a watch ends with cancelled by its signal, and with unavailable with its sandbox',
    async (t) => {
      const sandbox = await t.create();
      t.ok((await sandbox.exec('mkdir one two')).ok, 'set-up');
      const one = await watching(t, sandbox, 'one');
      const two = await watching(t, sandbox, 'two');
      one.control.abort();
      await t.rejects('cancelled', t.promptly(t.limits.prompt, one.ended, 'the watch'), 'its end');
      await t.provider.destroy(sandbox.ref);
      const end = t.promptly(t.limits.settle, two.ended, 'a watch of a destroyed sandbox');
      await t.rejects('unavailable', end, 'its end with the sandbox');
    },
    { needs },
  ),
  must(
    'watch/links',
    'watch-links',
    'a watch follows no link, also one that took the place of a directory',
    async (t) => {
      const sandbox = await t.create();
      const line = 'mkdir -p seen/inner behind; ln -s ../behind seen/link';
      t.ok((await sandbox.exec(line)).ok, 'set-up');
      const { told, control, ended } = await watching(t, sandbox, 'seen');
      const swap = 'rm -r seen/inner && ln -s ../behind seen/inner && echo x > behind/hidden';
      t.ok((await sandbox.exec(`${swap} && echo x > seen/shown`)).ok, 'changes');
      const shown = (): boolean => told.some(({ path }) => path?.endsWith('/shown') ?? false);
      await t.eventually(t.limits.command, shown, 'the change being told');
      const hidden = told.filter(({ path }) => path?.includes('hidden'));
      t.equal(hidden, [], 'changes behind a link');
      control.abort();
      await Promise.allSettled([ended]);
    },
    { needs },
  ),
  must(
    'watch/overflow',
    'watch-overflow',
    'of thousands of changes each is told, or that some were lost',
    async (t) => {
      const sandbox = await t.create();
      t.ok((await sandbox.exec('mkdir seen')).ok, 'set-up');
      const { told, control, ended } = await watching(t, sandbox, 'seen');
      const count = 3_000;
      const line = `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); : > seen/f$i; done`;
      t.ok((await sandbox.exec(line, { timeoutMs: t.limits.check })).ok, 'the changes');
      const complete = (): boolean =>
        told.some(({ kind }) => kind === 'overflow') ||
        new Set(told.flatMap(({ path }) => /\/f\d+$/.exec(path ?? '')?.[0] ?? [])).size === count;
      await t.eventually(t.limits.settle, complete, 'all changes, or an overflow, being told');
      t.ok((await sandbox.exec('echo x > seen/late')).ok, 'one more change');
      const late = (): boolean => told.some(({ path }) => path?.endsWith('/late') ?? false);
      await t.eventually(t.limits.settle, late, 'a change after all these being told');
      control.abort();
      await Promise.allSettled([ended]);
    },
    { needs, extraMs: 15_000 },
  ),
];
