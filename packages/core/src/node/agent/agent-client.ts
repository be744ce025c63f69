import { closeSync, rmSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command, DriverProcess } from '../../contract/command.ts';
import type { Call } from '../../contract/call.ts';
import type { Signal } from '../../contract/exit-status.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { isErrno, makeFifos, openFifo } from '../fifo.ts';
import { commandText, newMark } from './command-text.ts';
import { feedBytes } from './feed-bytes.ts';
import { Lane, type LaneProcess } from './lane.ts';
import { prepareLane } from './lane-channel.ts';
import { abandonedFiles, laneFiles, laneNames } from './lane-names.ts';
import { unlessAborted } from './unless-aborted.ts';

/** How an agent is reached. */
export interface AgentClientOptions {
  /** The host's path of the agent's control directory. */
  readonly controlDirectory: string;
  /** Permission bits of further FIFOs: 0o666 where the agent has another uid, else 0o600. */
  readonly fifoMode: number;
  /** Names from `laneNames` whose FIFOs are there. */
  readonly prepared?: readonly string[];
  /** The same, and the agent starts them by itself. */
  readonly started?: readonly string[];
  /**
   * Signals every process of the command with that mark (`commandText`), in place of the agent, which
   * reaches one process group only.
   */
  readonly signalCommand?: (mark: string, signal: NodeJS.Signals) => Promise<void>;
  /** Does its work while the sandbox may have a few processes more, for a command that found none left. */
  readonly withReserve?: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Most commands at once for each client; the next ones wait in order. */
const mostLanes = 64;
/** Lanes in a row that may fail to start before a command is told so. */
const mostFailures = 8;
/** Lanes whose FIFOs are made at a time. */
const lanesAtOnce = 4;

/**
 * One process's link to the resident agent of one sandbox: starts commands on lanes of its own.
 * `close` gives the lanes back; commands that run go on.
 */
export class AgentClient {
  readonly #options: AgentClientOptions;
  readonly #control: number;
  readonly #prepared: string[];
  readonly #lanes = new Set<Lane>();
  readonly #unready = new Set<Lane>();
  readonly #idle: Lane[] = [];
  readonly #waiting: PromiseWithResolvers<Lane>[] = [];
  #starting = 0;
  /** Lanes in a row that could not be started. */
  #failures = 0;
  #closed = false;

  /** Throws `unavailable` when no agent listens in the control directory. */
  constructor(options: AgentClientOptions) {
    this.#options = options;
    this.#prepared = [...(options.prepared ?? [])];
    try {
      this.#control = openFifo(`${options.controlDirectory}/ctl`, 'write');
    } catch (error) {
      throw new SandboxError('unavailable', 'the agent of the sandbox does not answer', {
        cause: error,
        outcome: 'not-started',
      });
    }
    for (const name of this.#prepared) prepareLane(`${options.controlDirectory}/${name}`);
    const started = options.started ?? [];
    this.#starting = started.length;
    for (const name of started) void this.#start(name, true);
  }

  /**
   * Starts a command; resolves once it runs. Aborting before that kills it when it does. `mark` is for
   * a command that others are to signal too.
   */
  async spawn(
    command: Command,
    call: Call,
    mark: string | undefined = this.#options.signalCommand && newMark(),
  ): Promise<DriverProcess> {
    call.signal.throwIfAborted();
    const text = commandText(command, mark);
    const run = (): Promise<LaneProcess> => this.#run(text, command.stdin, call.signal, mark);
    const started = await run().catch((error: unknown) => {
      const { withReserve } = this.#options;
      const full = SandboxError.is(error) && error.details['reason'] === 'pids';
      if (!full || !withReserve) throw error;
      return withReserve(run);
    });
    let over = false;
    const end = (): void => void (over = true);
    started.exit.then(end, end);
    const kill = async (signal: Signal = 'SIGKILL'): Promise<void> => {
      if (!(signal in constants.signals)) {
        throw new SandboxError('invalid-argument', `there is no signal ${signal}`);
      }
      // Afterwards the id may be another command's.
      if (!over) await this.#kill(signal, started.pid, mark);
    };
    const { stdin, ...rest } = started;
    if (!(command.stdin instanceof Uint8Array)) {
      return { ...rest, kill, ...(stdin === undefined ? {} : { stdin }) };
    }
    void feedBytes(stdin, command.stdin);
    return { ...rest, kill };
  }

  /** Lets go of the lanes. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#control);
    for (const waiting of this.#waiting.splice(0)) waiting.reject(released());
    for (const lane of [...this.#lanes, ...this.#unready]) lane.close();
    for (const name of this.#prepared) this.#forget(name);
  }

  /** Removes what clients left behind that ended without `close`. */
  removeAbandoned(): void {
    for (const file of abandonedFiles(this.#options.controlDirectory)) this.#remove(file);
  }

  /** Runs a command on a lane; on another one when it turns out that the lane had died before. */
  async #run(
    text: string,
    stdin: Command['stdin'],
    signal: AbortSignal,
    mark: string | undefined,
  ): Promise<LaneProcess> {
    for (let attempt = 1; ; attempt += 1) {
      const lane = await this.#acquire(signal);
      const running = lane.run(text, stdin, () => this.#settle(lane));
      try {
        return await unlessAborted(running, signal, (late) => this.#discard(late, mark));
      } catch (error) {
        const lost = SandboxError.is(error) && error.code === 'unavailable';
        if (!lost || error.outcome !== 'not-started' || attempt > mostLanes) throw error;
      }
    }
  }

  async #acquire(signal: AbortSignal): Promise<Lane> {
    if (this.#closed) throw released();
    for (let lane = this.#idle.pop(); lane; lane = this.#idle.pop()) {
      if (!lane.closed) return lane;
      this.#lanes.delete(lane);
    }
    const waiting = Promise.withResolvers<Lane>();
    this.#waiting.push(waiting);
    this.#grow();
    return unlessAborted(waiting.promise, signal, (lane) => this.#settle(lane));
  }

  /** Starts as many lanes as commands wait for, up to the limit. */
  #grow(): void {
    while (
      this.#starting < this.#waiting.length &&
      this.#lanes.size + this.#starting < mostLanes &&
      !this.#closed
    ) {
      const free = mostLanes - this.#lanes.size - this.#starting;
      const wanted = Math.min(this.#waiting.length - this.#starting, free);
      const names = this.#prepared.splice(0, wanted);
      if (names.length > 0) {
        this.#starting += names.length;
        for (const name of names) void this.#start(name);
        continue;
      }
      const fresh = laneNames(Math.max(wanted, Math.min(lanesAtOnce, free)));
      this.#starting += wanted;
      void this.#make(fresh, wanted);
    }
  }

  /** Makes the FIFOs of new lanes and starts the first `wanted` of them. */
  async #make(names: readonly string[], wanted: number): Promise<void> {
    const { controlDirectory, fifoMode } = this.#options;
    try {
      await makeFifos(
        laneFiles(names).map((file) => `${controlDirectory}/${file}`),
        fifoMode,
      );
    } catch (error) {
      this.#starting -= wanted;
      names.forEach((name) => this.#forget(name));
      for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
      return;
    }
    if (this.#closed) return names.forEach((name) => this.#forget(name));
    this.#prepared.push(...names.slice(wanted));
    for (const name of names.slice(0, wanted)) void this.#start(name);
  }

  async #start(name: string, already = false): Promise<void> {
    let lane: Lane | undefined;
    let told = false;
    try {
      if (this.#closed) throw released();
      lane = new Lane(`${this.#options.controlDirectory}/${name}`);
      this.#unready.add(lane);
      if (!already) await this.#tell(`lane ${name}`);
      told = true;
      await lane.ready();
      this.#unready.delete(lane);
    } catch (error) {
      if (lane) this.#unready.delete(lane);
      this.#starting -= 1;
      this.#forget(name);
      lane?.close();
      this.#failures += 1;
      // Another lane may fare better, unless there is no agent, or a guest that spoils each.
      // Whatever broke, the command was not even handed over.
      const fact = SandboxError.is(error) && error.code === 'unavailable';
      if (this.#failures >= mostFailures || !told) {
        this.#waiting.shift()?.reject(fact ? error.with({ outcome: 'not-started' }) : error);
      }
      this.#grow();
      return;
    }
    this.#starting -= 1;
    this.#failures = 0;
    this.#lanes.add(lane);
    if (this.#closed) lane.close();
    this.#settle(lane);
  }

  /** Hands a lane that is free to the next command, or puts it aside. */
  #settle(lane: Lane): void {
    if (lane.closed) {
      this.#lanes.delete(lane);
      this.#grow();
      return;
    }
    const waiting = this.#waiting.shift();
    if (waiting) waiting.resolve(lane);
    else this.#idle.push(lane);
  }

  /** Says one line to the agent. It is one write, so lines of several clients never mix. */
  async #tell(line: string): Promise<void> {
    if (this.#closed) throw released();
    for (let pause = 1; ; pause *= 2) {
      try {
        writeSync(this.#control, `${line}\n`);
        return;
      } catch (error) {
        // Full: only a guest that floods the FIFO, or holds up its own agent, makes it so.
        if (!isErrno(error, 'EAGAIN') || pause > 1_000) {
          throw new SandboxError('unavailable', 'the agent of the sandbox does not listen', {
            cause: error,
          });
        }
      }
      await delay(pause);
    }
  }

  async #kill(signal: Signal, pid: number, mark: string | undefined): Promise<void> {
    const { signalCommand } = this.#options;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `spawn` has looked it up in this system's table
    if (signalCommand && mark !== undefined) return signalCommand(mark, signal as NodeJS.Signals);
    try {
      await this.#tell(`kill ${signal.slice(3)} ${pid}`);
    } catch (error) {
      // Without an agent there is no process left: it is the first one of the sandbox.
      if (!SandboxError.is(error) || !isErrno(error.cause, 'EPIPE')) throw error;
    }
  }

  /** Kills a command that nobody wants any more. */
  #discard(late: LaneProcess, mark: string | undefined): void {
    // Nobody is left to tell that it could not be killed; the sandbox's end takes it down.
    this.#kill('SIGKILL', late.pid, mark).catch(() => undefined);
    for (const stream of [late.stdout, late.stderr]) void stream.cancel();
    late.stdin?.abort().catch(() => undefined);
  }

  #forget(name: string): void {
    for (const file of [...laneFiles([name]), `${name}.x`]) this.#remove(file);
  }

  #remove(file: string): void {
    rmSync(`${this.#options.controlDirectory}/${file}`, { force: true });
  }
}

function released(): SandboxError {
  return new SandboxError('failed-precondition', 'this link to the sandbox was released');
}
