import { randomUUID } from 'node:crypto';
import {
  type Call,
  type Command,
  type DriverProcess,
  SandboxError,
  type Signal,
} from '@gantry/core/driver';
import type { Command as VendorCommand } from '@vercel/sandbox';
import { explained } from './absence.ts';
import { commandLine } from './command-line.ts';
import { sessionIsOver } from './errors.ts';
import { FollowedCommand } from './followed-command.ts';
import type { VercelHandle } from './handle.ts';
import { BeginMark } from './marked-output.ts';
import type { VendorAccess } from './options.ts';
import { runSandboxScript } from './sandbox-script.ts';
import { uploadFile } from './transfer.ts';

/** Longer input takes the way of a file; the kernel takes 128 KiB of base64 in one argument. */
export const inlineInputBytes: number = 64 * 1024;

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
