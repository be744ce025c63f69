import type { Sandbox, WatchEvent, WatchOptions } from '@gantry/core';
import assert from 'node:assert/strict';
import { eventually, type Scenario, shell } from './scenario.ts';

/** A watch, once it has begun. */
async function watching(
  sandbox: Sandbox,
  directory: string,
  options: WatchOptions = {},
): Promise<{ seen: string[]; end: Promise<unknown>; stop: () => Promise<void> }> {
  const controller = new AbortController();
  const seen: string[] = [];
  const add = ({ kind, path = '' }: WatchEvent): void => void seen.push(`${kind} ${path}`.trim());
  const end = (async () => {
    try {
      const events = sandbox.files.watch(directory, { ...options, signal: controller.signal });
      for await (const event of events) add(event);
      return undefined;
    } catch (error) {
      return error;
    }
  })();
  let turn = 0;
  const probed = async (): Promise<boolean> => {
    if (seen.length > 0) return true;
    await shell(
      sandbox,
      `mkdir "${directory}/probe-${(turn += 1)}" && rmdir "${directory}"/probe-*`,
    );
    return false;
  };
  await eventually(probed, `the watch of ${directory} has begun`);
  await shell(sandbox, `mkdir "${directory}/begin"`);
  await eventually(() => seen.includes(`created ${directory}/begin`), 'it has seen all so far');
  seen.length = 0;
  return {
    seen,
    end,
    async stop() {
      controller.abort();
      assert.equal(((await end) as { code?: string }).code, 'cancelled');
    },
  };
}

/** What holds of watches. */
export const watchScenarios: readonly Scenario[] = [
  {
    name: 'tells what changes below a directory, made inside or by file operations, at any depth',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const { seen, stop } = await watching(sandbox, '/workspace', { recursive: true });
      const sees = (line: string): Promise<void> =>
        eventually(() => seen.includes(line), `${line}; seen: ${seen.join(', ')}`);
      await shell(sandbox, 'mkdir -p a/b && echo 1 >a/b/file');
      await sees('created /workspace/a/b/file');
      await shell(sandbox, 'echo 2 >>a/b/file');
      await sees('changed /workspace/a/b/file');
      await shell(sandbox, 'mv a c');
      await sees('removed /workspace/a');
      await sees('created /workspace/c/b/file');
      await shell(sandbox, 'echo 3 >c/b/more; rm c/b/file');
      await sees('created /workspace/c/b/more');
      await sees('removed /workspace/c/b/file');
      await sandbox.files.write('/workspace/by-files.txt', 'x');
      await sees('created /workspace/by-files.txt');
      await shell(sandbox, 'rm -r c');
      await sees('removed /workspace/c');
      await stop();
    },
  },
  {
    name: 'watches one level unless told otherwise, and other places than the workspace',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const { seen, stop } = await watching(sandbox, '/tmp');
      await shell(sandbox, 'mkdir /tmp/x; echo >/tmp/x/deep; echo >/tmp/last');
      await eventually(() => seen.includes('created /tmp/last'), 'it is seen');
      assert.ok(seen.includes('created /tmp/x'));
      assert.ok(seen.every((line) => !line.includes('deep')));
      await stop();
    },
  },
  {
    name: 'follows no symbolic link of a guest, also not while it swaps directories for links',
    async run({ provider }) {
      await using sandbox = await provider.create();
      await shell(sandbox, 'ln -s /etc link; echo >file; mkdir s');
      const refused = async (place: string): Promise<string> => {
        const events = sandbox.files.watch(place)[Symbol.asyncIterator]();
        return events.next().then(
          () => 'it watches',
          (error: { code: string }) => error.code,
        );
      };
      assert.equal(await refused('/workspace/link'), 'failed-precondition');
      assert.equal(await refused('/workspace/link/..'), 'failed-precondition');
      assert.equal(await refused('/proc/1/root/tmp'), 'failed-precondition');
      assert.equal(await refused('/workspace/file'), 'failed-precondition');
      assert.equal(await refused('/workspace/none'), 'not-found');
      const { seen, stop } = await watching(sandbox, '/workspace', { recursive: true });
      await shell(
        sandbox,
        'for i in $(seq 200); do mkdir s/k; rmdir s/k; ln -s /etc s/k; rm s/k; done; echo >after',
      );
      await eventually(() => seen.includes('created /workspace/after'), 'all is seen');
      assert.ok(
        seen.every((line) => /\/(s\/k|s|after)$/.test(line)),
        seen.join('\n'),
      );
      await stop();
    },
  },
  {
    name: 'says when events were lost, and ends with the sandbox',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const { seen, end } = await watching(sandbox, '/tmp');
      const flood = sandbox.exec([
        'perl',
        '-e',
        'for (1..40000) { open(my $file, ">", "/tmp/$_"); }',
      ]);
      // Long enough that the kernel's queue fills up, whatever the machine.
      const until = performance.now() + 4_000;
      while (performance.now() < until);
      assert.ok((await flood).ok);
      await eventually(() => seen.includes('overflow'), 'the loss is told');
      await shell(sandbox, 'mkdir /tmp/afterwards');
      await eventually(() => seen.includes('created /tmp/afterwards'), 'it goes on');
      await (await provider.connect(sandbox.ref)).destroy();
      assert.equal(((await end) as { code?: string }).code, 'unavailable');
    },
  },
];
