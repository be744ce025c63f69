import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sandboxSession } from '@gantry/ai-sdk';
import type { Sandbox } from '@gantry/core';
import { local } from '@gantry/provider-local';
import { type Experimental_SandboxSession, generateText, stepCountIs, tool } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';

const stateDirectory = mkdtempSync(path.join(tmpdir(), 'gantry-ai-sdk-'));
let sandbox: Sandbox;
let session: Experimental_SandboxSession;

beforeAll(async () => {
  sandbox = await local({ stateDirectory }).create();
  session = sandboxSession(sandbox.restricted());
});
afterAll(async () => {
  await sandbox.destroy();
  rmSync(stateDirectory, { recursive: true, force: true });
});

test('a tool of generateText works in the sandbox', async () => {
  const usage = {
    inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: 1, text: 1, reasoning: undefined },
  };
  const model = new MockLanguageModelV4({
    doGenerate: [
      {
        content: [
          {
            ...{ type: 'tool-call', toolCallId: 'one', toolName: 'bash' },
            input: JSON.stringify({ command: 'echo $((6 * 7)); pwd' }),
          },
        ],
        finishReason: { unified: 'tool-calls', raw: undefined },
        ...{ usage, warnings: [] },
      },
      {
        content: [{ type: 'text', text: 'It is 42.' }],
        finishReason: { unified: 'stop', raw: undefined },
        ...{ usage, warnings: [] },
      },
    ],
  });
  const { text, steps } = await generateText({
    ...{ model, prompt: 'compute', stopWhen: stepCountIs(3), experimental_sandbox: session },
    tools: {
      bash: tool({
        description: 'Runs a command.',
        inputSchema: z.object({ command: z.string() }),
        execute: async ({ command }, { experimental_sandbox: given }) =>
          (await given?.run({ command }))?.stdout,
      }),
    },
  });
  expect(text).toBe('It is 42.');
  expect(steps[0]?.toolResults[0]?.output).toBe('42\n/workspace\n');
});

test('commands: outputs apart, exit codes, environment, directory', async () => {
  await session.run({ command: 'mkdir -p sub' });
  const command = 'pwd; echo $LEVEL >&2; exit 3';
  expect(await session.run({ command, workingDirectory: 'sub', env: { LEVEL: 'two' } })).toEqual({
    ...{ exitCode: 3, stdout: '/workspace/sub\n', stderr: 'two\n' },
  });
  expect(await session.run({ command: 'kill -TERM $$' })).toMatchObject({ exitCode: 143 });
  const elsewhere = session.run({ command: 'true', workingDirectory: 'nowhere' });
  await expect(elsewhere).rejects.toMatchObject({ code: 'failed-precondition' });
  const small = sandboxSession(sandbox.restricted(), { maxOutputBytes: 10 });
  await expect(small.run({ command: 'seq 100' })).rejects.toMatchObject({
    ...{ code: 'resource-exhausted', outcome: 'completed' },
  });
});

test('files: bytes, text, lines, absence', async () => {
  const bytes = Uint8Array.of(0, 255, 10, 128);
  await session.writeBinaryFile({ path: 'deep/er/bytes', content: bytes });
  expect(await session.readBinaryFile({ path: 'deep/er/bytes' })).toEqual(bytes);
  const stream = await session.readFile({ path: '/workspace/deep/er/bytes' });
  expect(await new Response(stream).bytes()).toEqual(bytes);
  await session.writeFile({ path: 'copy', content: new Blob(['a\nb\r\nc']).stream() });
  const lines = [
    {},
    { startLine: 2 },
    { endLine: 1 },
    { startLine: 2, endLine: 99 },
    { startLine: 9 },
  ];
  const texts = lines.map((range) => session.readTextFile({ path: 'copy', ...range }));
  expect(await Promise.all(texts)).toEqual(['a\nb\r\nc', 'b\r\nc', 'a\n', 'b\r\nc', '']);
  await session.writeTextFile({ path: 'latin', content: 'é', encoding: 'latin1' });
  expect(await session.readBinaryFile({ path: 'latin' })).toEqual(Uint8Array.of(0xe9));
  expect(await session.readTextFile({ path: 'latin', encoding: 'latin1' })).toBe('é');
  const odd = session.writeTextFile({ path: 'odd', content: 'x', encoding: 'shift_jis' });
  await expect(odd).rejects.toMatchObject({ code: 'unsupported' });

  const absent = { path: 'nowhere' };
  const answers = [
    session.readFile(absent),
    session.readBinaryFile(absent),
    session.readTextFile(absent),
    session.stat(absent),
    session.listDirectory(absent),
    session.deleteFile(absent),
  ];
  expect(await Promise.all(answers)).toEqual([null, null, null, null, null, false]);
  await expect(session.readTextFile({ path: 'deep' })).rejects.toMatchObject({
    code: 'failed-precondition',
  });
  const onDirectory = session.writeTextFile({ path: 'deep', content: 'x' });
  await expect(onDirectory).rejects.toThrow(/other than a regular file/);
});

test('links are followed by stat, listed as links, and deleted themselves', async () => {
  const links =
    'mkdir -p l/d; echo abc > l/f; cd l; ln -s f to-file; ln -s d to-dir; ln -s gone dangling';
  await session.run({
    command: `${links}; ln -s to-dir/../to-file far; ln -s loop loop; mkfifo pipe`,
  });
  const stat = (name: string): PromiseLike<unknown> => session.stat({ path: `l/${name}` });
  expect(await stat('to-file')).toEqual({ type: 'file', size: 4 });
  expect(await stat('far')).toEqual({ type: 'file', size: 4 });
  expect(await stat('to-dir')).toMatchObject({ type: 'directory' });
  expect(await stat('pipe')).toMatchObject({ type: 'other' });
  expect(await stat('dangling')).toBeNull();
  await expect(stat('loop')).rejects.toMatchObject({ code: 'failed-precondition' });
  const listed = await session.listDirectory({ path: 'l' });
  expect(listed?.map(({ name, type }) => `${name} ${type}`)).toEqual([
    ...['d directory', 'dangling symlink', 'f file', 'far symlink', 'loop symlink', 'pipe other'],
    ...['to-dir symlink', 'to-file symlink'],
  ]);
  expect(await session.deleteFile({ path: 'l/to-dir' })).toBe(true);
  expect(await stat('d')).toMatchObject({ type: 'directory' });
  await expect(session.deleteFile({ path: 'l/d' })).rejects.toMatchObject({
    code: 'failed-precondition',
  });
  await expect(session.listDirectory({ path: 'l/f' })).rejects.toThrow(/directory/);
});

test('spawned processes: input, kill, abort', async () => {
  const cat = await session.spawn({ command: 'cat; exit 5', stdin: true });
  const writer = cat.stdin.getWriter();
  await writer.write(new TextEncoder().encode('typed'));
  await writer.close();
  expect(await new Response(cat.stdout).text()).toBe('typed');
  expect(await cat.wait()).toEqual({ exitCode: 5 });

  const sleeper = await session.spawn({ command: 'sleep 1000' });
  expect(sleeper).not.toHaveProperty('stdin');
  await sleeper.kill();
  await sleeper.kill();
  expect(await sleeper.wait()).toEqual({ exitCode: 137 });

  const reason = new Error('enough');
  const controller = new AbortController();
  const aborted = await session.spawn({ command: 'sleep 1000', abortSignal: controller.signal });
  controller.abort(reason);
  await expect(aborted.wait()).rejects.toBe(reason);
  const run = session.run({ command: 'sleep 1000', abortSignal: controller.signal });
  await expect(run).rejects.toBe(reason);
});
