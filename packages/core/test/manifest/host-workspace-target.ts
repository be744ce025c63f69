import { execFileSync, spawn } from 'node:child_process';
import { chmod, chown, mkdtemp, mkdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable, Writable } from 'node:stream';
import type { Call } from '../../src/contract/call.ts';
import type { Capabilities } from '../../src/contract/capabilities.ts';
import type { WorkspaceTarget } from '../../src/manifest/workspace-target.ts';

/** Which programs stand in for a sandbox's own. */
export type Tools = 'coreutils' | 'busybox';

/** A workspace that is a plain directory of this host, with real sh and tar, and counts its calls. */
export interface HostWorkspace extends WorkspaceTarget, AsyncDisposable {
  readonly calls: string[];
  /** None of the optional ones. */
  readonly capabilities: Capabilities;
  /** Holds `workspace`; for what a test needs beside it. */
  readonly base: string;
}

/** What is true of a plain directory. */
export const traits: Capabilities['traits'] = {
  isolation: 'none',
  output: 'bytes',
  stdin: 'stream',
  exit: 'exact',
  kill: 'process',
  limits: { memory: 'none', pids: 'none', cpu: 'none', disk: 'none' },
};

/** A call without an end. */
export function freshCall(signal: AbortSignal = new AbortController().signal): Call {
  return { signal };
}

/** A user without rights, as sandboxes have; used where the tests run as root. */
const nobody = { uid: 65_534, gid: 65_534 };

/**
 * Makes an empty one. Fails by name where the tools are not installed. `unprivileged`: its programs run as
 * a user without rights, who owns the workspace, also when the tests run as root.
 */
export async function hostWorkspace(
  tools: Tools = 'coreutils',
  options: { readonly unprivileged?: boolean } = {},
): Promise<HostWorkspace> {
  const base = await mkdtemp(path.join(os.tmpdir(), 'gantry-workspace-'));
  const workspace = path.join(base, 'workspace');
  const bin = path.join(base, 'bin');
  await Promise.all([mkdir(workspace), mkdir(bin)]);
  if (tools === 'busybox') installBusybox(bin);
  const lowered = options.unprivileged === true && process.getuid?.() === 0;
  const identity = lowered ? nobody : {};
  if (lowered) {
    await chmod(base, 0o755);
    await chown(workspace, nobody.uid, nobody.gid);
  }
  const search = tools === 'busybox' ? bin : (process.env['PATH'] ?? '');
  const calls: string[] = [];
  const execute = (argv: readonly string[], input: Readable | undefined, call: Call): Execution => {
    const [program = '', ...rest] = argv;
    const busybox = tools === 'busybox' && program === '/bin/sh' ? path.join(bin, 'sh') : program;
    return run([busybox, ...rest], { cwd: workspace, search, input, call, identity });
  };
  return {
    provider: 'host',
    workspace,
    base,
    calls,
    capabilities: { traits },
    async putArchive(tar, call) {
      calls.push('putArchive');
      const { done } = execute(['tar', '-x', '-p', '-f', '-'], Readable.fromWeb(tar), call);
      const { exit, stderr } = await done;
      if (exit.code !== 0) throw new Error(`tar failed: ${Buffer.from(stderr).toString()}`);
    },
    async getArchive(file, call) {
      calls.push('getArchive');
      const { stream } = execute(
        [
          'tar',
          '-c',
          '-f',
          '-',
          '-C',
          path.join(workspace, path.dirname(file)),
          path.basename(file),
        ],
        undefined,
        call,
      );
      return Readable.toWeb(stream) as ReadableStream<Uint8Array>;
    },
    async run(argv, call, input) {
      calls.push('run');
      return execute(argv, input === undefined ? undefined : Readable.from([input]), call).done;
    },
    [Symbol.asyncDispose]: () => rm(base, { recursive: true, force: true }),
  };
}

interface Execution {
  readonly stream: Readable;
  readonly done: ReturnType<WorkspaceTarget['run']>;
}

function run(
  [program = '', ...rest]: readonly string[],
  options: {
    cwd: string;
    search: string;
    input: Readable | undefined;
    call: Call;
    identity: object;
  },
): Execution {
  const child = spawn(program, rest, {
    cwd: options.cwd,
    env: { PATH: options.search },
    signal: options.call.signal,
    ...options.identity,
  });
  // A command that ends before it has read its input is no failure of the test's own.
  child.stdin.on('error', () => undefined);
  const fed =
    options.input === undefined
      ? Promise.resolve(child.stdin.end()).then(() => undefined)
      : Readable.toWeb(options.input).pipeTo(Writable.toWeb(child.stdin));
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const done = async (): ReturnType<WorkspaceTarget['run']> => {
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    const ended = new Promise<number | null>((resolve, reject) => {
      child.on('error', reject).on('close', resolve);
    });
    const [feeding, code] = await Promise.allSettled([fed, ended]);
    if (feeding.status === 'rejected' && code.status === 'fulfilled' && code.value === 0) {
      throw feeding.reason;
    }
    if (feeding.status === 'rejected' && !isBrokenPipe(feeding.reason)) throw feeding.reason;
    if (code.status === 'rejected') throw code.reason;
    const exit = code.value === null ? ({ unknown: 'killed' } as const) : { code: code.value };
    return { exit, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
  };
  return {
    stream: child.stdout,
    get done() {
      return done();
    },
  };
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

function installBusybox(bin: string): void {
  try {
    execFileSync('busybox', ['--install', '-s', bin]);
  } catch (cause) {
    throw new Error('these tests need busybox: apt-get install busybox-static', { cause });
  }
}
