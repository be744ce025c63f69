import { existsSync } from 'node:fs';
import type { Sandbox, SandboxProcess } from '@gantry/core';
import { must, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';

const processes = { capability: 'processes' } as const;

/** A detached process and its id; none where attaching is not declared, which must then be refused. */
async function detached(
  t: CheckContext,
  sandbox: Sandbox,
  line: string,
): Promise<string | undefined> {
  if (t.capabilities.processes?.attach) {
    const process = await sandbox.spawn(line, { detached: true });
    return t.present(process.id, 'a detached process has no id');
  }
  const refused = (): Promise<SandboxProcess> => sandbox.spawn(line, { detached: true });
  await t.rejects('unsupported', refused, 'a detached spawn');
  return undefined;
}

async function textOf(t: CheckContext, stream: ReadableStream<Uint8Array>): Promise<string> {
  return t.promptly(t.limits.command, new Response(stream).text(), 'the rest of the output');
}

export const reachChecks: readonly Check[] = [
  must(
    'processes/detached-refused',
    'detached-refused',
    'a detached process is refused where nobody can attach to it',
    async (t) => {
      const { provider, counts } = t.counted(({ processes: _left, ...driver }) => driver);
      const sandbox = await t.create({}, provider);
      counts.reset();
      const spawn = (): Promise<unknown> => sandbox.spawn('touch ran', { detached: true });
      await t.rejects('unsupported', spawn, 'a detached spawn');
      t.equal(counts.total(), 0, 'calls of the driver');
      t.equal(await sandbox.files.exists('ran'), false, 'whether it ran');
    },
    { needs: processes },
  ),
  must(
    'processes/detached-outlives',
    'detached-outlives',
    'a detached process goes on after release, and waits for no reader',
    async (t) => {
      const sandbox = await t.create();
      const line =
        'while [ ! -e go ]; do sleep 0.05; done; head -c 3000000 /dev/zero; echo over; touch written; while [ ! -e stop ]; do sleep 0.05; done; echo late; exit 6';
      const id = await detached(t, sandbox, line);
      if (id === undefined) return;
      await sandbox.release();
      const again = await t.provider.connect(sandbox.ref);
      await again.files.write('go', '');
      await t.eventually(
        t.limits.command,
        () => again.files.exists('written'),
        'three megabytes without a reader',
      );
      await again.files.write('stop', '');
      const process = await again.attach(id, { stdoutOffset: 3_000_000 });
      t.equal(await textOf(t, process.stdout), 'over\nlate\n', 'output from the offset on');
      t.equal(await t.promptly(t.limits.prompt, process.exit, 'its end'), { code: 6 }, 'exit');
      await again.release();
    },
    { needs: processes },
  ),
  must(
    'processes/never-waits',
    'detached-never-waits',
    'of a detached process at least the last mebibyte of output is kept',
    async (t) => {
      const sandbox = await t.create();
      const id = await detached(t, sandbox, 'head -c 1048576 /dev/zero; exit 3');
      if (id === undefined) return;
      const process = await sandbox.attach(id);
      t.equal((await textOf(t, process.stdout)).length, 1_048_576, 'bytes that were kept');
      t.equal(await process.exit, { code: 3 }, 'exit');
    },
    { needs: processes },
  ),
  must(
    'processes/attach-offset',
    'attach-offset',
    'attach gives each output from exactly its offset on',
    async (t) => {
      const sandbox = await t.create();
      const id = await detached(t, sandbox, 'printf 0123456789; printf abcdef >&2; exit 4');
      if (id === undefined) return;
      const process = await sandbox.attach(id, { stdoutOffset: 7, stderrOffset: 2 });
      const texts = await Promise.all([textOf(t, process.stdout), textOf(t, process.stderr)]);
      t.equal(texts, ['789', 'cdef'], 'outputs from their offsets on');
    },
    { needs: processes },
  ),
  must(
    'processes/attach-ended',
    'attach-ended',
    'a detached process that has ended still tells its output and status',
    async (t) => {
      const sandbox = await t.create();
      const id = await detached(t, sandbox, 'echo done; touch ended; exit 5');
      if (id === undefined) return;
      await t.eventually(t.limits.command, () => sandbox.files.exists('ended'), 'its end');
      const process = await sandbox.attach(id);
      t.equal(await textOf(t, process.stdout), 'done\n', 'output');
      t.equal(await t.promptly(t.limits.prompt, process.exit, 'its status'), { code: 5 }, 'exit');
    },
    { needs: processes },
  ),
  must(
    'processes/attach-unknown',
    'attach-unknown',
    'attaching to what is not there, or not detached, is refused',
    async (t) => {
      const sandbox = await t.create();
      const attach = (): Promise<unknown> => sandbox.attach(t.word('none'));
      const expected = t.capabilities.processes?.attach ? 'not-found' : 'unsupported';
      await t.rejects(expected, attach, 'attach to an unknown id');
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'a command');
    },
    { needs: processes },
  ),
  must(
    'root/copy-on-write',
    'root-copy-on-write',
    'programs can be added to a copy-on-write root, and stay in that sandbox',
    async (t) => {
      const root = 'copy-on-write' as const;
      const spec = 'gantry-manifest/1' as const;
      if (!t.capabilities.root?.modes.includes(root)) {
        const create = (): Promise<unknown> => t.create({ manifest: { spec, root } });
        await t.rejects('unsupported', create, 'a copy-on-write root');
        return;
      }
      const [one, two] = await Promise.all([
        t.create({ manifest: { spec, root } }),
        t.create({ manifest: { spec, root } }),
      ]);
      const name = t.word('program');
      const places =
        'IFS=:; for d in $PATH; do [ -d "$d" ] && [ -w "$d" ] && break; done; echo "$d"';
      const place = t.succeeded(await one.exec(places), 'looking for a place for programs').trim();
      const file = `${place}/${name}`;
      const line = `printf "#!/bin/sh\\necho ran\\n" > ${file} && chmod 755 ${file} && ${name}`;
      t.equal(t.succeeded(await one.exec(line), 'adding a program'), 'ran\n', 'what it says');
      t.equal((await two.exec([name])).exit, { code: 127 }, 'the program in another sandbox');
      t.equal(existsSync(file), false, 'whether the host has it');
    },
    { needs: { capability: 'root' } },
  ),
];
