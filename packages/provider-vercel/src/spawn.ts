import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Call,
  type Command,
  type DriverProcess,
  type ExitStatus,
  SandboxError,
  type Signal,
} from '@gantry/core/driver';
import { streams } from '@gantry/core/node';
import type { Command as VendorCommand } from '@vercel/sandbox';
import { explained } from './absence.ts';
import { commandLine } from './command-line.ts';
import { fromVendor, sessionIsOver } from './errors.ts';
import type { VercelHandle } from './handle.ts';
import { BeginMark } from './marked-output.ts';
import type { VendorAccess } from './options.ts';
import { runSandboxScript } from './sandbox-script.ts';
import { uploadFile } from './transfer.ts';
import { paces } from './vendor-fetch.ts';

/** Longer input takes the way of a file; the kernel takes 128 KiB of base64 in one argument. */
export const inlineInputBytes: number = 64 * 1024;

/** How much later than the end of a command that of its log may be told, which is asked for by itself. */
const lateLogMs = 1_000;

/** Starts a command and follows its log. */
export async function spawnCommand(
  access: VendorAccess,
  handle: VercelHandle,
  command: Command,
  call: Call,
): Promise<DriverProcess> {
  const mark = randomUUID();
  const line = commandLine(command, mark, await inputOf(handle, command, call));
  const { sandbox } = handle;
  let started: VendorCommand;
  try {
    started = await sandbox.currentSession().runCommand({ ...line, detached: true });
  } catch (error) {
    throw await explained(error, handle, access);
  }
  const begin = new BeginMark(mark);
  const followed = new FollowedCommand(started, begin);
  handle.followed.add(followed.lose);
  void followed.over.then(() => handle.followed.delete(followed.lose));
  const pid = await begin.begun;
  const kill = (signal: Signal = 'SIGKILL'): Promise<void> =>
    followed.ended ? Promise.resolve() : killGroup(handle, started, pid, signal, line.sudo);
  if (call.signal.aborted) {
    await kill();
    throw call.signal.reason;
  }
  const { stdout, stderr, exit } = followed;
  return { pid, kill, exit, stdout: stdout.readable, stderr: stderr.readable };
}

/** What is known of a command from its log. */
class FollowedCommand {
  readonly stdout: streams.OutputStream = new streams.OutputStream();
  readonly stderr: streams.OutputStream = new streams.OutputStream();
  readonly exit: Promise<ExitStatus>;
  /** Settles when nothing more is heard. */
  readonly over: Promise<unknown>;
  ended = false;
  readonly #exit = Promise.withResolvers<ExitStatus>();
  readonly #stop = new AbortController();
  readonly #begin: BeginMark;
  /** Until then nobody has room for more. */
  #room: Promise<void> = Promise.resolve();

  constructor(command: VendorCommand, begin: BeginMark) {
    this.#begin = begin;
    this.exit = this.#exit.promise;
    this.exit.catch(() => undefined); // Whoever waits for it is told.
    const log = paces.run(
      () => this.#room,
      () => this.#follow(command),
    );
    this.over = Promise.allSettled([log, this.#wait(command, log)]);
  }

  /** What was not told by now never will be. */
  readonly lose = (error: Error): void => {
    this.#exit.reject(error);
    this.#fail(error);
    this.#stop.abort();
  };

  async #follow(command: VendorCommand): Promise<void> {
    try {
      for await (const { stream, data } of command.logs({ signal: this.#stop.signal })) {
        const text = stream === 'stderr' ? this.#begin.take(data) : data;
        this.#room = this[stream].push(Buffer.from(text));
        await this.#room;
      }
      this.#begin.lose(lost("the command's log ended before it began"));
      this.stdout.end();
      this.stderr.end();
    } catch (error) {
      const said = fromVendor(error);
      const reason = said instanceof Error ? said.message : String(said);
      this.#fail(lost(`what it printed was lost: ${reason}`, error));
    }
  }

  /** How it ended, which the vendor tells late; a question that was not answered is asked again when the log has ended. */
  async #wait(command: VendorCommand, log: Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    try {
      const early = await command.wait({ signal }).catch(() => undefined);
      if (!early) await log;
      const { exitCode } = early ?? (await command.wait({ signal }));
      this.ended = true;
      // Else an output that has ended too could read as one that somebody still holds.
      await Promise.race([log, delay(lateLogMs, undefined, { ref: false })]);
      this.#exit.resolve(
        exitCode >= 0 ? { code: exitCode } : { unknown: `the vendor says exit code ${exitCode}` },
      );
    } catch (error) {
      const said = fromVendor(error);
      const reason = said instanceof Error ? said.message : String(said);
      this.#exit.reject(lost(`how it ended was not told: ${reason}`, error));
    }
  }

  #fail(error: Error): void {
    this.#begin.lose(error);
    this.stdout.fail(error);
    this.stderr.fail(error);
  }
}

/** A command takes no input of the vendor's: what it reads is a file, gone once it is opened. */
async function inputOf(
  handle: VercelHandle,
  { stdin, user }: Command,
  { signal }: Call,
): Promise<{ readonly file?: string; readonly base64?: string }> {
  if (!(stdin instanceof Uint8Array) || stdin.length === 0) return {};
  if (stdin.length <= inlineInputBytes) return { base64: Buffer.from(stdin).toString('base64') };
  const file = await uploadFile(handle, ReadableStream.from([stdin]), signal);
  // One that there is not is told by the command itself.
  if (user !== undefined) {
    await runSandboxScript(handle, 'chown -- "$1" "$2"', [user, file], { sudo: true });
  }
  return { file };
}

/** The group, from within the sandbox: how far the vendor's own kill reaches is not said anywhere. */
async function killGroup(
  handle: VercelHandle,
  command: VendorCommand,
  pid: number,
  signal: Signal,
  sudo = false,
): Promise<void> {
  if (!/^SIG[A-Z0-9]+$/.test(signal)) {
    throw new SandboxError('invalid-argument', `there is no signal ${signal}`);
  }
  const script = 'kill -s "$1" -- "-$2" 2>/dev/null || kill -s "$1" "$2" 2>/dev/null';
  const args = [signal.slice(3), String(pid)];
  let code: number;
  try {
    ({ code } = await runSandboxScript(handle, script, args, { sudo }));
  } catch (error) {
    // With its session everything that it ran has ended.
    if (SandboxError.is(error) && sessionIsOver(error.cause)) return;
    throw error;
  }
  // Nobody by that number: it has ended, or the number is the vendor's own.
  if (code !== 0 && signal === 'SIGKILL') await command.kill('SIGKILL').catch(() => undefined);
}

function lost(message: string, cause?: unknown): SandboxError {
  return new SandboxError('unavailable', message, { outcome: 'unknown', cause });
}
