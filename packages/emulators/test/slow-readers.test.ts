import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import type { ExitStatus, Sandbox, SandboxProcess } from '@gantry/core';
import { expect, test, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { SessionShell } from '../src/daytona/toolbox/session-shell.ts';
import { Terminals } from '../src/daytona/toolbox/terminals.ts';
import { EnvdProcess } from '../src/e2b/envd/envd-process.ts';
import { RunningCommand } from '../src/vercel/commands.ts';

// A command's last output is still in its pipe when it ends. With a slow reader it stays there for as long as that takes,
// which no real command can be made to do at will: these end before the first byte is read.

vi.setConfig({ testTimeout: 120_000 });

const pieces = 100;
const piece = new Uint8Array(65_536);
const whole = pieces * piece.length;
/** What is still on its way when the reader goes on. */
const last = 30;

/** A process that ends when its output is first asked for. That is some MiB, or those and then silence for ever. */
function flood(heldOpen: boolean, goesOn: Promise<void>): SandboxProcess {
  const { promise: exit, resolve: end } = Promise.withResolvers<ExitStatus>();
  let count = 0;
  const stdout = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await turn();
        end({ code: 0 });
        if (count === pieces - last) await goesOn;
        if (count < pieces) controller.enqueue(piece);
        else if (heldOpen) await new Promise(() => undefined);
        else controller.close();
        count += 1;
      },
    },
    { highWaterMark: 0 },
  );
  return {
    ...{ stdout, exit, stdin: new WritableStream() },
    stderr: new ReadableStream({ start: (controller) => controller.close() }),
    drained: () => new Promise(() => undefined),
    kill: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** One that starts nothing else. */
function sandboxOf(process: SandboxProcess): Sandbox {
  const terminal = { ...process, output: process.stdout, input: process.stdin };
  const sandbox: Partial<Record<keyof Sandbox, unknown>> = {
    spawn: () => Promise.resolve(process),
    terminal: () => Promise.resolve(terminal),
  };
  return sandbox as Sandbox;
}

type Lengths = AsyncGenerator<number, void>;

async function* ofE2bCommand(process: SandboxProcess): Lengths {
  const { stdout: stream, exit } = process;
  const outputs = [{ name: 'stdout', stream } as const];
  const guest = { outputs, exit, kill: () => process.kill() };
  const config = { cmd: 'flood', args: [], envs: {} };
  const started = new EnvdProcess(1, config, undefined, guest);
  for await (const { event } of started.follow().events) {
    if (event?.case === 'data') yield event.value.output?.value?.length ?? 0;
  }
}

async function* ofDaytonaSession(process: SandboxProcess): Lengths {
  const shell = await SessionShell.start(sandboxOf(process), '/', {});
  const { log } = await shell.run('flood; exit');
  for await (const { bytes } of log.follow()) yield bytes.length;
}

async function* ofDaytonaTerminal(process: SandboxProcess): Lengths {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const socket = {
    on: () => undefined,
    once: () => undefined,
    send(data: string | Uint8Array, sent?: () => void) {
      if (typeof data !== 'string') void writer.write(data).then(sent);
    },
    close: () => void writer.close(),
  };
  const terminals = new Terminals();
  const request = { id: 'one', size: { columns: 80, rows: 24 }, cwd: '/', envs: {} };
  await terminals.open(sandboxOf(process), request, {});
  terminals.attach('one', socket as unknown as WebSocket);
  for await (const bytes of readable) yield bytes.length;
}

async function* ofVercelCommand(process: SandboxProcess): Lengths {
  const request = { command: 'flood', args: [], env: {}, sudo: false, wait: false, logs: true };
  const command = new RunningCommand(request, '/', 0, process);
  for await (const { bytes } of command.log.follow()) yield bytes.length;
}

test.concurrent.each([
  ['a command of E2B', ofE2bCommand],
  ['a session of Daytona', ofDaytonaSession],
  ['a terminal of Daytona', ofDaytonaTerminal],
  ['a command of Vercel', ofVercelCommand],
])(
  'what %s wrote before it ended reaches a slow reader, and an output that stays open is let go of',
  async (_name, lengthsOf) => {
    for (const heldOpen of [false, true]) {
      let read = 0;
      const { promise: goesOn, resolve: goOn } = Promise.withResolvers<void>();
      for await (const length of lengthsOf(flood(heldOpen, goesOn))) {
        // For longer than a silent output is waited for: the same event loop counts both.
        if (read === 0) for (let look = 0; look < 30; look += 1) await delay(20).then(() => turn());
        goOn();
        read += length;
      }
      expect(read).toBe(whole);
    }
  },
);
