import { SandboxError } from '@gantry/core';
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beside } from './beside.ts';
import { type Scenario, shell } from './scenario.ts';

/** Never made by an attack that failed: what stands for a fault of the host's side. */
const faults: readonly string[] = ['internal'];

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: unknown) => {
      assert.ok(SandboxError.is(error), String(error));
      assert.ok(!faults.includes(error.code), String(error));
      return error.code;
    },
  );
}

const plant = `ln -s /etc/shadow shadow; ln -s /proc/1/environ environ; ln -s /dev/zero zero; ln -s /proc/kmsg kmsg
mkfifo fifo; ln -s fifo to-fifo; ln -s loop loop; ln -s / root
perl -e 'use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0); bind($s, pack_sockaddr_un("socket")) or die'`;

/** Paths that no manifest may have. */
const paths: readonly string[] = [
  ...['../x', '/etc/x', 'a/../../x', 'a//b', '.', './x', 'a/.', '', 'a/', 'C:\\x', '\\\\srv\\x'],
  ...['nul\0', 'line\nbreak', 'bell\u0007', 'long'.repeat(1_300), '..', 'a/..'],
];

/** Guests that lay paths for the host to walk. */
export const fileAttacks: readonly Scenario[] = [
  beside(
    'leads no write of the host out of the sandbox, also while it swaps a directory for a link',
    async ({ provider, scratch }, neighbor) => {
      const outside = path.join(scratch, 'outside');
      mkdirSync(outside);
      chmodSync(outside, 0o777);
      writeFileSync(path.join(outside, 'file'), 'host', { mode: 0o666 });
      chmodSync(path.join(outside, 'file'), 0o666);
      await using sandbox = await provider.create();
      const up = '../'.repeat(12);
      await shell(sandbox, `ln -s ${outside} there; ln -s ${up}${outside} relative; mkdir d`);
      for (const place of ['there/file', 'relative/file', 'there/new']) {
        await codeOf(sandbox.files.write(place, 'guest'));
        await codeOf(sandbox.files.remove(place));
      }
      const swap = `while :; do rmdir d; rm -rf d; ln -s ${outside} d; rm -f d; mkdir d; done 2>/dev/null`;
      await using _swapping = await sandbox.spawn(swap);
      for (let round = 0; round < 50; round += 1) {
        await Promise.all([
          codeOf(sandbox.files.write('d/file', 'guest')),
          codeOf(sandbox.files.write('d/new', 'guest')),
          codeOf(sandbox.files.remove('d/file')),
          codeOf(sandbox.files.list('d')),
        ]);
      }
      await neighbor.answers();
      assert.deepEqual(readdirSync(outside), ['file']);
      assert.equal(readFileSync(path.join(outside, 'file'), 'utf8'), 'host');
    },
  ),
  beside(
    'reads nothing of the host through links, and hangs on no FIFO, socket or device',
    async ({ provider }, neighbor) => {
      process.env['GANTRY_CANARY'] = 'canary-value';
      await using sandbox = await provider.create();
      await shell(sandbox, plant);
      for (const name of ['shadow', 'zero', 'kmsg', 'fifo', 'to-fifo', 'socket', 'loop', 'root']) {
        const code = await codeOf(sandbox.files.read(name, { timeoutMs: 60_000 }));
        const refused = ['failed-precondition', 'not-found', 'permission-denied'];
        assert.ok(refused.includes(code), `${name}: ${code}`);
        await codeOf(sandbox.files.stat(name));
        await codeOf(sandbox.files.list(name));
      }
      const environ = await sandbox.exec('cat environ');
      assert.ok(!environ.stdout.text.includes('canary'));
      for (const name of ['shadow', 'fifo', 'socket', 'root', 'loop']) {
        await sandbox.files.remove(name);
        assert.equal(await sandbox.files.exists(name), false, name);
      }
      assert.ok(readdirSync('/').length > 0);
      await neighbor.answers();
    },
  ),
  beside(
    'leads the next start nowhere: links where host mounts, devices and the agent were',
    async ({ provider, scratch }, neighbor) => {
      const [source, outside] = ['source', 'outside'].map((name) => path.join(scratch, name));
      assert.ok(source && outside);
      for (const directory of [source, outside]) {
        mkdirSync(directory);
        chmodSync(directory, 0o777);
      }
      writeFileSync(path.join(source, 'file'), 'mounted');
      const entries = {
        'deep/data': { type: 'hostMount', source },
        'deep/file': { type: 'hostMount', source: path.join(source, 'file') },
      } as const;
      const manifest = { spec: 'gantry-manifest/1', entries } as const;
      // While it starts, the launcher has the host's files under another name.
      for (const target of [
        `/oldroot${outside}`,
        `../../oldroot${outside}`,
        outside,
        '/tmp',
        'other',
      ]) {
        const sandbox = await provider.create({ manifest });
        try {
          await shell(sandbox, `mv deep other; ln -s ${target} deep`);
          await sandbox.suspend('disk');
          await assert.rejects(provider.resume(sandbox.ref), {
            code: 'failed-precondition',
            details: { reason: 'mount-target', target: '/workspace/deep/data' },
          });
          assert.equal((await provider.inspect(sandbox.ref)).state, 'suspended');
        } finally {
          await provider.destroy(sandbox.ref);
        }
        assert.deepEqual(readdirSync(outside), [], target);
      }
      await neighbor.answers();

      await using sandbox = await provider.create({ manifest });
      for (const line of [
        ...['rm /dev/null', 'mv /dev/console /dev/x', 'ln -sf /etc/passwd /dev/null'],
        ...['rm /run/gantry/agent', 'mv /run/gantry /run/x', 'rmdir /workspace'],
      ]) {
        assert.ok(!(await sandbox.exec(line)).ok, `${line} worked`);
      }
      await shell(sandbox, 'mkdir dev; ln -s /etc/passwd dev/null; mv deep gone');
      await sandbox.suspend('disk');
      await using resumed = await provider.resume(sandbox.ref);
      assert.equal(
        await shell(resumed, 'stat -c "%F %t %T" /dev/null'),
        'character special file 1 3\n',
      );
      assert.equal(await resumed.files.readText('deep/data/file'), 'mounted');
    },
  ),
  beside(
    'gets a status or a typed error for every odd input: too long, closed, never closed, with line breaks',
    async ({ provider }, neighbor) => {
      await using sandbox = await provider.create();
      assert.deepEqual((await sandbox.exec(['true', 'x'.repeat(200_000)])).exit, { code: 126 });
      const many: [string, ...string[]] = [
        'true',
        ...Array.from({ length: 60 }, () => 'x'.repeat(60_000)),
      ];
      assert.deepEqual((await sandbox.exec(many)).exit, { code: 126 });
      const env = { LINES: 'one\ntwo; $(touch /tmp/ran) `id`', EMPTY: '' };
      const printed = await sandbox.exec(['printenv', 'LINES'], { env });
      assert.equal(printed.stdout.text, `${env.LINES}\n`);
      const broken = await sandbox.exec('yes | head -c 5; exec <&-; cat', {
        stdin: 'x'.repeat(1_000_000),
      });
      assert.ok(!broken.ok);
      const open = await sandbox.spawn(['cat'], { stdin: 'stream' });
      await open.kill('SIGKILL');
      assert.deepEqual(await open.exit, { signal: 'SIGKILL' });
      assert.equal(await sandbox.files.exists('/tmp/ran'), false);
      await neighbor.answers();
    },
  ),
  beside(
    'has no path in its manifest that leaves the workspace; nothing is made for one that has',
    async ({ provider, stateDirectory }) => {
      const before = readdirSync(path.join(stateDirectory, 'sandboxes'));
      for (const name of paths) {
        const entries = { [name]: { type: 'file', content: 'x' } } as const;
        const manifest = { spec: 'gantry-manifest/1', entries } as const;
        assert.equal(
          await codeOf(provider.create({ manifest })),
          'invalid-argument',
          JSON.stringify(name),
        );
      }
      for (const [one, two] of [
        ['caf\u00e9', 'cafe\u0301'],
        ['Name', 'name'],
        ['a', 'a/b'],
      ] as const) {
        const file = { type: 'file', content: 'x' } as const;
        const manifest = {
          spec: 'gantry-manifest/1',
          entries: { [one]: file, [two]: file },
        } as const;
        assert.equal(
          await codeOf(provider.create({ manifest })),
          'invalid-argument',
          `${one} ${two}`,
        );
      }
      assert.deepEqual(readdirSync(path.join(stateDirectory, 'sandboxes')), before);
    },
  ),
];
