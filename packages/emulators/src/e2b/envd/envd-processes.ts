import { randomUUID } from 'node:crypto';
import { SandboxError, type Sandbox } from '@gantry/core';
import { Code, ConnectError } from '@connectrpc/connect';
import type { EmulatorClock } from '../../chassis/clock.ts';
import { EnvdProcess, type GuestProcess, type ProcessConfig } from './envd-process.ts';
import { guestPath } from './guest-path.ts';

/** How long one that is over can still be asked about. */
const rememberedMs = 30_000;
/** Where a provider does not tell process ids: numbers from here on are no guest's. */
const firstOwnPid = 5_000_000;

/** What to start. */
export interface StartOptions {
  readonly config: ProcessConfig;
  readonly tag: string | undefined;
  readonly stdin: boolean;
  readonly user: { readonly user?: string };
  /** The environment that the process's own comes on top of. */
  readonly base: Readonly<Record<string, string>>;
  /** Present for a terminal. */
  readonly size?: { readonly columns: number; readonly rows: number };
}

/** The processes that were started through one sandbox's envd. */
export class EnvdProcesses {
  readonly #clock: EmulatorClock;
  readonly #processes = new Map<number, EnvdProcess>();
  #nextPid = firstOwnPid;

  constructor(clock: EmulatorClock) {
    this.#clock = clock;
  }

  /** Starts one, which does not read or write before it is followed. */
  async start(sandbox: Sandbox, options: StartOptions): Promise<EnvdProcess> {
    const { config, tag } = options;
    const cwd = guestPath(config.cwd ?? '');
    const command = [config.cmd, ...config.args] as const;
    const env = { ...options.base, PWD: cwd, ...config.envs };
    const where = { cwd, env, ...options.user };
    let pid: number | undefined;
    let guest: GuestProcess;
    try {
      if (options.size) {
        const opened = await openTerminal(sandbox, command, { ...where, size: options.size });
        ({ pid, guest } = opened);
      } else {
        const stdin = options.stdin ? 'stream' : 'none';
        const started = await sandbox.spawn([...command], { ...where, stdin });
        pid = started.pid;
        guest = {
          outputs: [
            { name: 'stdout', stream: started.stdout },
            { name: 'stderr', stream: started.stderr },
          ],
          exit: started.exit,
          kill: (signal) => started.kill(signal),
          ...(started.stdin === undefined ? {} : { input: started.stdin }),
        };
      }
    } catch (error) {
      if (SandboxError.is(error) && error.details['reason'] === 'cwd') {
        throw new ConnectError(`cwd '${cwd}' does not exist`, Code.InvalidArgument);
      }
      throw error;
    }
    const process = new EnvdProcess(pid ?? this.#nextPid++, config, tag, guest);
    this.#processes.set(process.pid, process);
    void this.#forgetLater(process);
    return process;
  }

  /** Those that run. */
  list(): readonly EnvdProcess[] {
    return [...this.#processes.values()].filter(({ ended }) => !ended);
  }

  /** By process id or tag, those too that ended a short while ago. Throws the vendor's `not_found`. */
  find(
    selector:
      | { case: 'pid'; value: number }
      | { case: 'tag'; value: string }
      | { case: undefined; value?: undefined }
      | undefined,
  ): EnvdProcess {
    const all = [...this.#processes.values()];
    const found = all.findLast(({ pid, tag }) =>
      selector?.case === 'tag' ? tag === selector.value : pid === selector?.value,
    );
    if (found) return found;
    throw new ConnectError(
      `process with ${selector?.case ?? 'pid'} ${String(selector?.value)} not found`,
      Code.NotFound,
    );
  }

  /** They are gone: the sandbox was booted again. */
  forget(): void {
    this.#processes.clear();
  }

  async #forgetLater(process: EnvdProcess): Promise<void> {
    await process.over;
    this.#clock.at(this.#clock.now() + rememberedMs, () => {
      if (this.#processes.get(process.pid) === process) this.#processes.delete(process.pid);
    });
  }
}

/** Opens a terminal, and learns the process id of what runs in it. */
async function openTerminal(
  sandbox: Sandbox,
  command: readonly string[],
  options: NonNullable<Parameters<Sandbox['terminal']>[0]>,
): Promise<{ pid: number; guest: GuestProcess }> {
  const note = `/tmp/.envd-${randomUUID()}`;
  const terminal = await sandbox.terminal({
    ...options,
    command: ['/bin/sh', '-c', 'echo $$ >"$0" && exec "$@"', note, ...command],
  });
  const read = 'until [ -s "$0" ]; do sleep 0.01; done; cat -- "$0"; rm -f -- "$0"';
  const told = await sandbox.exec(['/bin/sh', '-c', read, note], { timeoutMs: 60_000 });
  return {
    pid: Number(told.stdout.text),
    guest: {
      outputs: [{ name: 'pty', stream: terminal.output }],
      input: terminal.input,
      exit: terminal.exit,
      kill: (signal) => terminal.kill(signal),
      resize: (size) => terminal.resize(size),
    },
  };
}
