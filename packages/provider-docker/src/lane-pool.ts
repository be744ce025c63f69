import type { Duplex } from 'node:stream';
import {
  SandboxError,
  type Call,
  type Command,
  type DriverProcess,
  type Signal,
} from '@gantry/core/driver';
import { tellOutOfMemory, unlessAborted } from '@gantry/core/node';
import { constants } from 'node:os';
import { commandText } from './command-text.ts';
import { Lane, type LaneProcess } from './lane.ts';
import type { ProcessRoots } from './lane-message.ts';

/** Lanes that are kept for the next commands of a sandbox. */
const mostIdle = 8;
/** A command that runs this long may have to be killed: by then a lane stands by that needs no new process. */
const standbyAfterMs = 100;
/** Bytes of one command beyond which a lane of its own is no slower: shells read their input byte by byte. */
const longestText = 2 * 1024 * 1024;

/** A command that takes this long to start may be one of a sandbox that somebody else has suspended. */
const askAfterMs = 2_000;

/** One process's lanes into one container: a command gets an idle lane, or a new one. */
export class LanePool {
  readonly #open: (user: string | undefined, signal?: AbortSignal) => Promise<Duplex>;
  readonly #isSuspended: () => Promise<boolean>;
  readonly #idle: Lane[] = [];
  readonly #lanes = new Set<Lane>();
  #standby: Promise<Lane> | undefined;
  #closed = false;
  #mayBeSuspended = false;

  /**
   * `open` starts the lane script in the container, as a user or the default one, and gives its streams. `isSuspended`
   * asks the daemon: a lane that stands still says nothing.
   */
  constructor(
    open: (user: string | undefined, signal?: AbortSignal) => Promise<Duplex>,
    isSuspended: () => Promise<boolean>,
  ) {
    this.#open = open;
    this.#isSuspended = isSuspended;
  }

  async spawn(command: Command, call: Call): Promise<DriverProcess> {
    call.signal.throwIfAborted();
    const text = commandText(command);
    if (text.length > longestText) {
      const message = `a command of ${text.length} bytes is longer than ${longestText}, which is more than Linux takes`;
      throw new SandboxError('invalid-argument', message, { details: { reason: 'too-long' } });
    }
    if (this.#mayBeSuspended && (await this.#isSuspended())) throw suspended();
    this.#mayBeSuspended = false;
    try {
      return this.#process(await this.#begin(command, text, call.signal), command);
    } catch (error) {
      // Whatever else an abort breaks, it is the reason.
      call.signal.throwIfAborted();
      throw error;
    }
  }

  async #begin({ user, stdin }: Command, text: string, signal: AbortSignal): Promise<LaneProcess> {
    const streams = stdin === 'stream';
    const lane = await this.#acquire(user, signal, streams);
    const running = lane.run(text, stdin);
    // A stream of input uses a lane up, and one such command is seldom alone.
    if (streams) this.#standBy();
    running.catch(() => lane.close());
    const discard = (late: LaneProcess): void => {
      void this.#discard(late, lane, user);
    };
    return unlessAborted(this.#unlessSuspended(running, discard), signal, discard);
  }

  /** Tells that the sandbox was suspended: until it is known to run again, a command is refused, not begun. */
  suspended(): void {
    this.#mayBeSuspended = true;
  }

  /** The promise, unless the sandbox turns out to be suspended: what it still brings, when it runs again, goes to `discard`. */
  async #unlessSuspended<T>(promise: Promise<T>, discard: (late: T) => void): Promise<T> {
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<'late'>((resolve) => {
        timer = setTimeout(() => resolve('late'), askAfterMs);
      });
      const first = await Promise.race([promise, late]).finally(() => clearTimeout(timer));
      if (first !== 'late') return first;
      if (!(await this.#isSuspended())) continue;
      promise.then(discard, () => undefined);
      throw suspended();
    }
  }

  /** Kills a command that nobody wants any more. */
  async #discard(late: LaneProcess, lane: Lane, user: string | undefined): Promise<void> {
    late.drain();
    if (!late.retire()) return;
    // Nobody is left to tell that it could not be killed; the sandbox's end takes it down.
    await this.signal(late.roots, 'SIGKILL', user).catch(() => undefined);
    lane.close();
  }

  /** Sends a signal to every process below an init, but for those of a lane itself. */
  async signal(roots: ProcessRoots, signal: Signal, user?: string): Promise<void> {
    if (!(signal in constants.signals)) {
      throw new SandboxError('invalid-argument', `there is no signal ${signal}`);
    }
    const lane = user === undefined ? await this.#killer() : await this.#start(user);
    try {
      await lane.signal(roots, signal);
    } finally {
      if (user !== undefined) lane.close();
    }
  }

  /** Lets go of all lanes; commands that run go on. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const lane of this.#lanes) lane.close();
  }

  #process(started: LaneProcess, command: Command): DriverProcess {
    const { pid, roots, stdout, stderr, exit, stdin, drain, retire, hasOomKills } = started;
    let over = false;
    const timer = setTimeout(() => this.#standBy(), standbyAfterMs).unref();
    const end = (): void => {
      over = true;
      clearTimeout(timer);
    };
    exit.then(end, end);
    const kill = async (signal: Signal = 'SIGKILL'): Promise<void> => {
      if (over || !retire()) return;
      await this.signal(roots, signal, command.user);
      if (signal === 'SIGKILL') drain();
    };
    const streams = { stdout, stderr, ...(stdin === undefined ? {} : { stdin }) };
    return tellOutOfMemory({ pid, ...streams, exit, kill }, hasOomKills);
  }

  async #acquire(user: string | undefined, signal: AbortSignal, input: boolean): Promise<Lane> {
    if (user !== undefined) return this.#start(user, signal);
    const idle = this.#takeIdle();
    if (idle) return idle;
    // One that could not be started is no reason not to try again.
    const standby = input ? this.#takeStandby()?.catch(() => undefined) : undefined;
    const lane = await (standby &&
      unlessAborted(standby, signal, (late) => late && this.#settle(late, user)));
    return lane && !lane.closed ? lane : this.#start(user, signal);
  }

  #takeStandby(): Promise<Lane> | undefined {
    const standby = this.#standby;
    this.#standby = undefined;
    return standby;
  }

  #takeIdle(): Lane | undefined {
    for (let lane = this.#idle.pop(); lane; lane = this.#idle.pop()) if (!lane.closed) return lane;
    return undefined;
  }

  async #start(user: string | undefined, signal?: AbortSignal): Promise<Lane> {
    if (this.#closed)
      throw new SandboxError('failed-precondition', 'this link to the sandbox was released');
    const socket = await this.#open(user, signal);
    const lane = new Lane(socket, (settled) => this.#settle(settled, user));
    this.#lanes.add(lane);
    if (this.#closed) lane.close();
    return lane;
  }

  #settle(lane: Lane, user: string | undefined): void {
    if (!lane.closed && user === undefined && !this.#closed && this.#idle.length < mostIdle) {
      this.#idle.push(lane);
      return;
    }
    lane.close();
    this.#lanes.delete(lane);
  }

  /** Has an idle lane ready for a kill while long commands run. */
  #standBy(): void {
    if (this.#closed || this.#standby || this.#idle.some((lane) => !lane.closed)) return;
    this.#standby = this.#start(undefined);
    // A kill then starts a lane of its own, and says why it cannot.
    this.#standby.catch(() => (this.#standby = undefined));
  }

  async #killer(): Promise<Lane> {
    const idle = this.#takeIdle();
    if (idle) return idle;
    const lane = await this.#takeStandby();
    return lane && !lane.closed ? lane : this.#start(undefined);
  }
}

function suspended(): SandboxError {
  return new SandboxError('failed-precondition', 'the sandbox is suspended: resume it first', {
    details: { reason: 'suspended' },
  });
}
