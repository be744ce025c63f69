import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { SandboxError } from '@gantry/core/driver';
import { identifyProcess, type ProcessIdentity, waitUntilGone } from '@gantry/core/node';
import { isErrno, refusedToStart } from './errors.ts';
import { coverInherited } from './inherited-descriptors.ts';

/** A sandbox whose agent waits to be told to go on. */
export interface Launched {
  readonly main: ProcessIdentity;
  readonly keeper: ProcessIdentity;
  /** The agent starts to listen. Without it the sandbox ends together with this process. */
  go(): void;
  /** Ends the sandbox that was not let go; resolves when it is gone. */
  abandon(): Promise<void>;
}

const readyWithinMs = 30_000;
const mostOutput = 64 * 1024;

/**
 * Starts a launcher (`launchCommand`) and waits for the agent's first words. `descriptors` become the
 * child's 4, 5 and so on; bubblewrap writes its report to 3. On rejection nothing is left.
 */
export async function launch(
  command: readonly [string, ...string[]],
  descriptors: readonly number[],
  signal: AbortSignal,
): Promise<Launched> {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    // A session of its own: what ends a terminal or a process group does not end the sandbox.
    detached: true,
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
    stdio: coverInherited(['pipe', 'pipe', 'pipe', 'pipe', ...descriptors]),
  });
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  failed.catch(() => undefined);
  child.stdin?.on('error', () => undefined);
  let main: ProcessIdentity | undefined;
  const abandon = async (): Promise<void> => {
    if (child.pid === undefined) return;
    killGroup(child.pid);
    child.stdin?.destroy();
    if (main) await waitUntilGone(main, readyWithinMs);
    await closed;
  };
  const stderr = collect(child.stderr, () => false);
  try {
    const words = Promise.all([
      collect(child.stdout, (text) => text.includes('\n')),
      collect(infoStream(child), (text) => text.includes('}')),
    ]);
    const [said, info] = await Promise.race([words, failed, stopped(signal)]);
    main = identifyProcess(childPid(info));
    const keeper = identifyProcess(child.pid ?? 0);
    if (said !== 'gantry-agent 1 closed\n' || !main || !keeper) {
      throw await startFailure(said, stderr, child);
    }
    return {
      main,
      keeper,
      go() {
        child.stdin?.end('go\n', () => child.stdin?.destroy());
        for (const stream of [child.stdout, child.stderr, infoStream(child)]) stream?.destroy();
        child.unref();
      },
      abandon,
    };
  } catch (error) {
    await abandon();
    if (isErrno(error, 'ENOENT')) throw refusedToStart(`${program} is not installed`);
    throw error;
  }
}

async function startFailure(
  said: string,
  stderr: Promise<string>,
  child: ChildProcess,
): Promise<SandboxError> {
  if (said === 'gantry-agent 1 open\n') {
    return refusedToStart('the host’s core_pattern can be opened for writing inside it', {
      control: 'core_pattern',
    });
  }
  if (child.pid !== undefined) killGroup(child.pid);
  const message = (await stderr).trim();
  if (/No space left on device/.test(message)) {
    return new SandboxError('resource-exhausted', `no sandbox was started: ${message}`, {
      outcome: 'not-started',
      details: { reason: 'no-space' },
    });
  }
  return refusedToStart(message || said.trim() || 'its launcher ended without a word');
}

/** What a stream says until `enough`, or its end. Bounded: a root file system may say anything. */
async function collect(
  stream: Readable | null | undefined,
  enough: (text: string) => boolean,
): Promise<string> {
  let text = '';
  if (!stream) return text;
  stream.setEncoding('latin1');
  return new Promise((resolve) => {
    stream.on('data', (part: string) => {
      if (text.length < mostOutput) text += part;
      if (enough(text)) resolve(text);
    });
    stream.once('error', () => resolve(text));
    stream.once('close', () => resolve(text));
  });
}

function stopped(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const late = setTimeout(
      () => reject(refusedToStart(`it was not ready after ${readyWithinMs} ms`)),
      readyWithinMs,
    );
    late.unref();
    const stop = (): void => reject(abortError(signal));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
}

function abortError(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error(String(reason));
}

function infoStream(child: ChildProcess): Readable | undefined {
  const stream = child.stdio[3];
  return stream && 'read' in stream ? stream : undefined;
}

/** bubblewrap's report is JSON; only the process id of its child is of interest. */
function childPid(info: string): number {
  return Number(/"child-pid": *(\d{1,10})\b/.exec(info)?.[1] ?? 0);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}
