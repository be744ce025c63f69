import { randomUUID } from 'node:crypto';
import {
  type Call,
  type Command,
  type DriverProcess,
  type ExitStatus,
  SandboxError,
  type Signal,
} from '@gantry/core/driver';
import { noDirectory } from '@gantry/core/node';
import { explained } from './absence.ts';
import { withVendor } from './errors.ts';
import type { DaytonaHandle } from './handle.ts';
import { requireSignal, runSandboxScript } from './sandbox-script.ts';
import { sessionLine } from './session-line.ts';
import { followLog } from './session-log.ts';
import { SessionOutput, type Word } from './session-output.ts';
import type { SessionCommand } from './session-pool.ts';

/** Longer input takes the way of files: a shell reads lines slowly. */
const longestLine = 6 * 1024;

/** Starts a command in a session of the vendor's, and follows its log. */
export async function spawnCommand(
  handle: DaytonaHandle,
  command: Command,
  call: Call,
): Promise<DriverProcess> {
  const { sandbox, sessions, followed } = handle;
  const running = new RunningCommand(handle);
  let started: SessionCommand;
  try {
    started = await sessions.start(sessionLine(command));
  } catch (error) {
    throw await explained(error, sandbox);
  }
  const log = followLog(
    sandbox,
    started,
    (text) => running.stdout.push(text),
    (text) => running.stderr.push(text),
  );
  const letGo = (error: Error): void => {
    running.lose(error);
    log.drop();
  };
  followed.add(letGo);
  void log.ended.then((reason) => {
    followed.delete(letGo);
    if (reason === undefined && running.isClean) sessions.giveBack(started.session);
    else sessions.abandon(started.session);
    return running.lose(lost(reason ?? "the command's log ended before the command"));
  });
  let pid: number;
  try {
    pid = await running.started;
  } catch (error) {
    if (SandboxError.is(error) && error.code !== 'unavailable') throw error;
    throw await explained(error, sandbox);
  }
  const kill = async (signal: Signal = 'SIGKILL'): Promise<void> => {
    requireSignal(signal);
    if (running.ended) return;
    const script = 'kill -s "$1" -- "-$2" 2>/dev/null || kill -s "$1" "$2" 2>/dev/null || :';
    await runSandboxScript(sandbox, script, [signal.slice(3), String(pid)]);
  };
  if (call.signal.aborted) {
    await kill();
    throw call.signal.reason;
  }
  const { stdout, stderr } = running;
  const streams = command.stdin === 'stream';
  return {
    ...{ pid, kill, exit: running.exit, stdout: stdout.readable, stderr: stderr.readable },
    ...(streams ? { stdin: inputOf(handle, started, running) } : {}),
  };
}

/** What is known of a command from its log. */
class RunningCommand {
  readonly started: Promise<number>;
  readonly exit: Promise<ExitStatus>;
  readonly stdout: SessionOutput;
  readonly stderr: SessionOutput;
  ended = false;
  readonly #open = new Set<SessionOutput>();
  readonly #start = Promise.withResolvers<number>();
  readonly #exit = Promise.withResolvers<ExitStatus>();

  constructor({ sandbox }: DaytonaHandle) {
    this.started = this.#start.promise;
    this.exit = this.#exit.promise;
    for (const promise of [this.started, this.exit] as const) {
      promise.catch(() => undefined); // Whoever waits for it is told.
    }
    const output = (): SessionOutput => {
      let sender: number | undefined;
      let turn: Promise<unknown> = Promise.resolve();
      const hold = (held: boolean): void => {
        if (sender === undefined) return;
        const args = [held ? 'STOP' : 'CONT', String(sender)];
        // A sender that has ended needs neither.
        const signal = (): Promise<unknown> =>
          runSandboxScript(sandbox, 'kill -s "$1" "$2"', args).catch(() => undefined);
        turn = turn.then(signal);
      };
      const made: SessionOutput = new SessionOutput((word) => {
        if (word.name === 'f') sender = word.number;
        else this.#hear(made, word);
      }, hold);
      this.#open.add(made);
      return made;
    };
    this.stdout = output();
    this.stderr = output();
  }

  /** Whether it has ended and nobody has an output of it open. */
  get isClean(): boolean {
    return this.ended && this.#open.size === 0;
  }

  /** What was not told by now never will be. */
  readonly lose = (error: Error): void => {
    this.#start.reject(error);
    this.#exit.reject(error);
    for (const output of this.#open) output.fail(error);
  };

  #hear(output: SessionOutput, { name, number }: Word): void {
    if (name === 'p') this.#start.resolve(number);
    if (name === 'd') this.#start.reject(noDirectory());
    if (name === 'x') {
      this.ended = true;
      this.#exit.resolve({ code: number });
    }
    if (name === 'e') {
      this.#open.delete(output);
      output.end();
    }
  }
}

function inputOf(
  { sandbox }: DaytonaHandle,
  { session, id }: SessionCommand,
  running: RunningCommand,
): WritableStream<Uint8Array> {
  const send = (line: string): Promise<void> =>
    withVendor(() => sandbox.process.sendSessionCommandInput(session.id, id, `${line}\n`));
  let open = true;
  const end = async (): Promise<void> => {
    if (!open) return;
    open = false;
    // One that has ended reads no more.
    await send('.').catch((error: unknown) => {
      if (!running.ended) throw error;
    });
  };
  // What feeds the program waits for its end, and the session waits for that.
  running.exit.then(end).catch(() => undefined);
  return new WritableStream<Uint8Array>({
    async write(chunk) {
      if (running.ended) return;
      if (chunk.length <= longestLine) return send(Buffer.from(chunk).toString('base64'));
      const path = `/tmp/.gantry-${randomUUID()}`;
      await withVendor(() => sandbox.fs.uploadFile(Buffer.from(chunk), path));
      await send(`f${path}`);
    },
    close: end,
    abort: end,
  });
}

function lost(reason: string): SandboxError {
  const message = `how the command ended was not told: ${reason}`;
  return new SandboxError('unavailable', message, { outcome: 'unknown' });
}
