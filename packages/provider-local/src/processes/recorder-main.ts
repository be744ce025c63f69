// Runs one detached process of a sandbox for as long as it lives, and keeps what it writes and how it
// ends in files: `recorder-main CONTROL-DIRECTORY FIFO-MODE PROCESS-DIRECTORY`.
//
// Takes one line of JSON on standard input, a RecorderRequest, and answers with one line on standard
// output, a RecorderAnswer. Then it waits for the line `keep`: without it, whoever wanted the process
// is gone, and the process is killed.
import { createInterface } from 'node:readline';
import { type DriverProcess, toSandboxError } from '@gantry/core/driver';
import { AgentClient, hostProcess, lanes } from '@gantry/core/node';
import { signalCommand } from '../kill/signal-command.ts';
import { DetachedFiles } from './detached-files.ts';
import { recordOutput } from './output-recorder.ts';
import { parseRequest, type RecorderAnswer } from './recorder-messages.ts';

const [controlDirectory = '', fifoMode = '', directory = ''] = process.argv.slice(2);
const files = new DetachedFiles(directory);
// Whoever has started it may be gone at any time.
process.stdout.on('error', () => undefined);
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => undefined);

const never = new AbortController().signal;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const first = await lines.next();
if (first.done) process.exit(1);
const { stdin, main, ...command } = parseRequest(first.value);
const kept = lines.next().then(({ value }) => value === 'keep');

let agent: AgentClient;
let started: DriverProcess | undefined;
let pid: number;
try {
  agent = new AgentClient({
    ...{ controlDirectory, fifoMode: Number.parseInt(fifoMode, 8) },
    signalCommand: (one, signal) => signalCommand(main, one, signal),
  });
  const bytes = stdin === undefined ? 'none' : new Uint8Array(Buffer.from(stdin, 'base64'));
  const mark = lanes.newMark();
  // Started in any case: who wants it no more wants it dead, and what has not started cannot be killed.
  started = await agent.spawn({ ...command, stdin: bytes }, { signal: never }, mark);
  const recorder = hostProcess.identifyProcess(process.pid);
  if (!recorder || started.pid === undefined) throw new Error('it has no process id');
  pid = started.pid;
  files.writeProcess({ pid, mark, recorder, startedAt: Date.now() });
} catch (error) {
  // Nobody would know of it.
  await started?.kill('SIGKILL');
  const { code, message, outcome, details } = toSandboxError(error, {
    provider: 'local',
    operation: 'spawn',
  });
  await answer({ error: { code, message, outcome, details } });
  process.exit(1);
}
const ending = record(started);
// Whoever gives it up removes its directory, and then nothing can be recorded.
ending.catch(() => undefined);
await answer({ pid });
const wanted = await kept;
if (!wanted) await started.kill('SIGKILL');
process.stdin.destroy();
if (wanted) await ending;
else await Promise.allSettled([ending]);
agent.close();

/** Resolves when the process has ended and nobody writes to its outputs any more. */
async function record({ stdout, stderr, exit }: DriverProcess): Promise<void> {
  const end = exit.then(
    (status) => files.writeEnd({ exit: status }),
    (error: unknown) => files.writeEnd({ lost: { message: String(error) } }),
  );
  await Promise.all([
    recordOutput(files, 'stdout', stdout),
    recordOutput(files, 'stderr', stderr),
    end,
  ]);
}

function answer(message: RecorderAnswer): Promise<void> {
  return new Promise((resolve) =>
    process.stdout.write(`${JSON.stringify(message)}\n`, () => resolve()),
  );
}
