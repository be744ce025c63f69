import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type Call, type Command, type DriverProcess, SandboxError } from '@gantry/core/driver';
import { hostProcess, type ProcessIdentity } from '@gantry/core/node';
import { isErrno } from '../errors.ts';
import { signalCommand } from '../kill/signal-command.ts';
import { DetachedFiles } from './detached-files.ts';
import {
  followDetached,
  type OutputOffsets,
  requireKept,
  type SignalByMark,
} from './detached-process.ts';
import { parseAnswer, type RecorderAnswer, type RecorderRequest } from './recorder-messages.ts';

/** How many a sandbox may have, those that have ended included: each may keep 3 MiB on the host's disk. */
const mostProcesses = 64;
const longestAnswer = 64 * 1024;

/** Where a sandbox keeps its detached processes, and how they are reached. */
export interface DetachedOptions {
  /** A directory of the host, made when it is needed; no guest reaches it. */
  readonly directory: string;
  readonly controlDirectory: string;
  readonly fifoMode: number;
  /** The first process of the sandbox. */
  readonly main: ProcessIdentity;
}

/** The detached processes of one sandbox, started by any process of the host. */
export class DetachedProcesses {
  readonly #options: DetachedOptions;
  readonly #release = new AbortController();

  constructor(options: DetachedOptions) {
    this.#options = options;
  }

  /** Starts a command under a recorder of its own: a small process of the host that outlives this one. */
  async spawn(command: Command, call: Call): Promise<DriverProcess> {
    call.signal.throwIfAborted();
    mkdirSync(this.#options.directory, { recursive: true, mode: 0o700 });
    this.#makeRoom();
    const id = `d-${randomBytes(8).toString('hex')}`;
    const files = this.#files(id);
    mkdirSync(files.directory, { mode: 0o700 });
    try {
      await this.#startRecorder(files, command, call.signal);
      return this.#follow(id, { stdoutOffset: 0, stderrOffset: 0 });
    } catch (error) {
      rmSync(files.directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** A process by its id; `not-found` where there is none, `out-of-range` for bytes no longer kept. */
  attach(id: string, from: OutputOffsets): DriverProcess {
    if (/^\d+-\d+$/.test(id)) {
      throw new SandboxError(
        'failed-precondition',
        `process ${id} was not started as a detached one, so nothing of what it writes is kept`,
      );
    }
    if (!/^d-[0-9a-f]{16}$/.test(id)) {
      throw new SandboxError('not-found', `there is no detached process ${JSON.stringify(id)}`);
    }
    requireKept(this.#files(id), from);
    return this.#follow(id, from);
  }

  /** The ids of those that run, by process id in the sandbox. */
  running(): ReadonlyMap<number, string> {
    const found = new Map<number, string>();
    for (const id of this.#ids()) {
      const files = this.#files(id);
      const process = files.process();
      if (process && files.end() === undefined) found.set(process.pid, id);
    }
    return found;
  }

  /** Lets go of all of them. They go on. Idempotent. */
  release(): void {
    this.#release.abort();
  }

  #follow(id: string, from: OutputOffsets): DriverProcess {
    const signal: SignalByMark = (mark, name) => signalCommand(this.#options.main, mark, name);
    return followDetached(id, this.#files(id), from, signal, this.#release.signal);
  }

  #files(id: string): DetachedFiles {
    return new DetachedFiles(path.join(this.#options.directory, id));
  }

  #ids(): string[] {
    try {
      return readdirSync(this.#options.directory);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return [];
      throw error;
    }
  }

  /** Forgets those that ended first when there are too many. */
  #makeRoom(): void {
    const ids = this.#ids();
    if (ids.length < mostProcesses) return;
    const oldest = ids
      .map((id) => ({ id, process: this.#files(id).process() }))
      .filter(({ process }) => process && !hostProcess.isRunning(process.recorder))
      .toSorted((a, b) => (a.process?.startedAt ?? 0) - (b.process?.startedAt ?? 0))[0];
    if (!oldest) {
      throw new SandboxError(
        'resource-exhausted',
        `the sandbox has ${mostProcesses} detached processes: end one first`,
        { outcome: 'not-started' },
      );
    }
    rmSync(this.#files(oldest.id).directory, { recursive: true, force: true });
  }

  async #startRecorder(files: DetachedFiles, command: Command, signal: AbortSignal): Promise<void> {
    const { controlDirectory, fifoMode, main } = this.#options;
    const recorder = spawn(
      process.execPath,
      [
        hostProcess.siblingScript(import.meta.url, 'recorder-main'),
        controlDirectory,
        fifoMode.toString(8),
        files.directory,
      ],
      {
        // A session of its own: what ends this process's terminal or group does not end it.
        detached: true,
        cwd: '/',
        env: { PATH: process.env['PATH'] ?? '' },
        stdio: ['pipe', 'pipe', 'ignore'],
      },
    );
    recorder.stdin?.on('error', () => undefined);
    const { argv, cwd, env, stdin } = command;
    const request: RecorderRequest = {
      ...{ argv, cwd, env, main },
      ...(stdin instanceof Uint8Array ? { stdin: Buffer.from(stdin).toString('base64') } : {}),
    };
    recorder.stdin?.write(`${JSON.stringify(request)}\n`);
    // The end of its input tells it that nobody wants the process any more.
    const abandon = (): void => void recorder.stdin?.end();
    signal.addEventListener('abort', abandon, { once: true });
    try {
      const answer = await answerOf(recorder);
      signal.throwIfAborted();
      if ('error' in answer) {
        const { code, message, outcome, details } = answer.error;
        throw new SandboxError(code, message, {
          ...(outcome === undefined ? {} : { outcome }),
          ...(details === undefined ? {} : { details }),
        });
      }
      recorder.stdin?.end('keep\n');
    } catch (error) {
      recorder.stdin?.end();
      throw error;
    } finally {
      signal.removeEventListener('abort', abandon);
      recorder.stdout?.destroy();
      recorder.unref();
    }
  }
}

function answerOf(recorder: ChildProcess): Promise<RecorderAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => {
      reject(new SandboxError('unavailable', `a detached process was not started: ${reason}`));
    };
    let text = '';
    recorder.once('error', (error) => fail(error.message));
    recorder.once('close', () => fail('its recorder ended'));
    recorder.stdout?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(parseAnswer(text.slice(0, end)));
      else if (text.length > longestAnswer) fail('its recorder said too much');
    });
  });
}
