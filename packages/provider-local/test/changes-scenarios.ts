import type { ChangeEntry, SandboxDriver } from '@gantry/core/driver';
import type { Sandbox } from '@gantry/core';
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { type Context, type Scenario, shell } from './scenario.ts';

type Changes = NonNullable<SandboxDriver['changes']>;
const call = { signal: new AbortController().signal };

/** A sandbox and what its driver says of changes in it. */
async function withChanges(
  context: Context,
  use: (
    run: (line: string) => Promise<string>,
    mark: () => Promise<string>,
    since: (mark: string) => Promise<Map<string, ChangeEntry>>,
    sandbox: Sandbox,
  ) => Promise<void>,
): Promise<void> {
  const drivers: SandboxDriver[] = [];
  const provider = context.provider.wrap((driver) => {
    drivers.push(driver);
    return driver;
  });
  const [driver] = drivers;
  const changes: Changes | undefined = driver?.changes;
  assert.ok(driver && changes);
  assert.equal(provider.capabilities.changes?.evidence, 'host-layer');
  await using sandbox = await provider.create();
  const handle = await driver.connect(sandbox.ref, call);
  try {
    await use(
      (line) => shell(sandbox, line),
      async () => {
        // Past the kernel's own clock tick, so that what was done before is surely old.
        await delay(60);
        return changes.mark(handle, call);
      },
      async (mark) => {
        const found = new Map<string, ChangeEntry>();
        for await (const entry of changes.since(handle, mark, call)) {
          found.set(Buffer.from(entry.path).toString('latin1'), entry);
        }
        return found;
      },
      sandbox,
    );
  } finally {
    await driver.release(handle);
  }
}

const contents = async (entry: ChangeEntry | undefined): Promise<string> => {
  const opened = entry?.open?.();
  assert.ok(opened);
  return new Response(opened).text();
};

const told: Scenario['run'] = (context) =>
  withChanges(context, async (run, mark, since) => {
    await run(
      'mkdir -p a/b c; for n in 1 2 3 4 5 6 7 8; do echo $n >a/b/$n; done; ln -s 1 c/link; echo x >c/same',
    );
    const first = await mark();
    assert.deepEqual([...(await since(first)).keys()], []);

    await run('cat a/b/1 c/same; ls -lR');
    assert.deepEqual([...(await since(first)).keys()], [], 'reading is no change');

    // Same size and same times, as far as a guest can set them.
    await run('touch -r a/b/1 ../tmp/ref; echo 9 >a/b/1; touch -r ../tmp/ref a/b/1');
    await run(
      'chmod 600 a/b/2; rm a/b/3; mv a/b/4 a/b/moved; echo 5 >new; mv new a/b/5; ln a/b/6 c/hard',
    );
    await run(
      'rm c/link; ln -s 2 c/link; rm -r a/b/7; mkdir a/b/7; mkfifo c/fifo; printf z >"c/$(printf \'\\351\')"',
    );
    const second = await since(first);
    assert.deepEqual(
      [...second].map(([name, { stat }]) => `${name} ${stat?.type ?? 'removed'}`),
      [
        ...[
          'a/b directory',
          'a/b/1 file',
          'a/b/2 file',
          'a/b/3 removed',
          'a/b/4 removed',
          'a/b/5 file',
        ],
        ...[
          'a/b/6 file',
          'a/b/7 directory',
          'a/b/moved file',
          'c directory',
          'c/fifo fifo',
          'c/hard file',
        ],
        ...['c/link symlink', 'c/\xe9 file'],
      ],
    );
    assert.equal(await contents(second.get('a/b/1')), '9\n');
    assert.equal(second.get('a/b/2')?.stat?.mode, 0o600);
    assert.equal(second.get('a/b/6')?.stat?.links, 2);
    assert.equal(Buffer.from(second.get('c/link')?.stat?.target ?? []).toString(), '2');

    const later = await mark();
    assert.deepEqual([...(await since(later)).keys()], []);
    await run('rm -r a');
    const gone = await since(later);
    const below = ['a', 'a/b', ...[1, 2, 5, 6, 7, 8, 'moved'].map((name) => `a/b/${name}`)];
    assert.deepEqual([...gone.keys()], [...below, 'c/hard']);
    assert.ok(below.every((name) => gone.get(name)?.stat === undefined));
    assert.ok((await since(first)).size > gone.size, 'an earlier mark stays good');
  });

const racy: Scenario['run'] = (context) =>
  withChanges(context, async (run, mark, since) => {
    await run('echo 1 >racing');
    // A change in the same tick of the clock as the mark looks like none: so it is told in any case.
    const changed: boolean[] = [];
    for (let round = 0; round < 20; round += 1) {
      await run(`echo ${round % 10} >racing`);
      const taken = await mark();
      await run(`echo ${(round + 1) % 10} >racing`);
      changed.push((await since(taken)).has('racing'));
    }
    assert.ok(changed.every(Boolean));
  });

const hostile: Scenario['run'] = (context) =>
  withChanges(context, async (run, mark, since) => {
    const empty = await mark();
    await run('mkdir d; echo in >d/f; ln -s /etc/passwd out; ln -s / root; mkfifo pipe');
    const found = await since(empty);
    assert.deepEqual([...found.keys()], ['d', 'd/f', 'out', 'pipe', 'root']);
    assert.ok(!found.get('out')?.open && !found.get('pipe')?.open);
    // What was a file when it was listed leads out when it is read.
    const entry = found.get('d/f');
    await run('rm d/f; ln -s /etc/passwd d/f');
    assert.throws(() => entry?.open?.(), { code: 'aborted' });
    await run('rm -r d; ln -s /etc d');
    assert.throws(() => entry?.open?.(), { code: 'aborted' });
    await run('rm d; mkdir d; mkfifo d/f');
    assert.throws(() => entry?.open?.(), { code: 'aborted' });
    for (const unknown of ['0'.repeat(24), '../record.json', '', 'x'.repeat(24)]) {
      await assert.rejects(since(unknown), { code: 'not-found' });
    }
  });

/** Maps a file, writes to it, and once more each time that a line arrives; `lock`: it may only read meanwhile. */
const mapper = `
import ctypes, mmap, os, sys
libc = ctypes.CDLL(None, use_errno=True)
file = os.open("mapped", os.O_RDWR)
pages = mmap.mmap(file, 4096)
os.close(file)
place = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(pages)))
def protect(how):
    if sys.argv[1] == "lock" and libc.mprotect(place, 4096, how):
        raise OSError(ctypes.get_errno(), "mprotect")
pages[0] = ord("1")
protect(1)
for line in sys.stdin:
    protect(3)
    pages[0] = ord(line[0])
    protect(1)
    print("written", flush=True)
`;

const mapped: Scenario['run'] = (context) =>
  withChanges(context, async (run, mark, since, sandbox) => {
    for (const how of ['keep', 'lock']) {
      await run('head -c 4096 /dev/zero >mapped');
      await using writer = await sandbox.spawn(['python3', '-c', mapper, how], { stdin: 'stream' });
      const answers = writer.stdout.getReader();
      const input = writer.stdin?.getWriter();
      assert.ok(input);
      const write = async (digit: string): Promise<void> => {
        await input.write(Buffer.from(`${digit}\n`));
        const { value } = await answers.read();
        assert.equal(Buffer.from(value ?? []).toString(), 'written\n');
      };
      await write('2');
      const before = await mark();
      assert.deepEqual([...(await since(before)).keys()], []);
      await write('3');
      const found = await since(before);
      assert.deepEqual([...found.keys()], ['mapped'], `${how}: a page written again is a change`);
      assert.equal((await contents(found.get('mapped')))[0], '3');
      await input.close();
    }
  });

export const changesScenarios: readonly Scenario[] = [
  {
    name: 'changes tell what differs from a mark, whatever the guest does to times and sizes',
    run: told,
  },
  { name: 'a change in the same moment as a mark is told', run: racy },
  {
    name: 'what a program writes to a page that it has mapped before the mark is told',
    run: mapped,
  },
  { name: 'changes are read inside the workspace only, whatever it turns into', run: hostile },
];
