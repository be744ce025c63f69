import type { Sandbox, WatchEvent, WatchOptions } from '@gantry/core';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
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
    async run({ provider, stateDirectory }) {
      await using sandbox = await provider.create();
      const { seen, end } = await watching(sandbox, '/tmp');
      const host = path.join(stateDirectory, 'sandboxes', sandbox.ref.id, 'workspace');
      const most = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'latin1'));
      const flood = sandbox.exec([
        'perl',
        '-e',
        `open($ready, ">", "/workspace/ready"); select(undef, undef, undef, 0.01) until -e "/workspace/go";
        for (1..${most}) { open(my $file, ">", "/tmp/flood"); close($file); unlink("/tmp/flood"); }
        open($done, ">", "/workspace/done");`,
      ]);
      await eventually(() => existsSync(path.join(host, 'ready')), 'the flood is about to begin');
      // This process looks at no event until the flood is over, so the kernel's queue fills up.
      writeFileSync(path.join(host, 'go'), '');
      const until = performance.now() + 60_000;
      while (!existsSync(path.join(host, 'done')) && performance.now() < until) pause(10);
      assert.ok((await flood).ok);
      await eventually(() => seen.includes('overflow'), 'the loss is told');
      await shell(sandbox, 'mkdir /tmp/afterwards');
      await eventually(() => seen.includes('created /tmp/afterwards'), 'it goes on');
      await (await provider.connect(sandbox.ref)).destroy();
      assert.equal(((await end) as { code?: string }).code, 'unavailable');
    },
  },
];

/** Does nothing at all for a time: no event of this process is handled either. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
