import { randomBytes } from 'node:crypto';
import type {
  Capabilities,
  CreateOptions,
  Provider,
  Sandbox,
  SandboxRef,
  Traits,
} from '@gantry/core';
import type { DriverWrapper } from '@gantry/core/driver';
import { counting, type CallCounts } from '@gantry/core/testing';
import { hostProcesses } from '../subject/host-processes.ts';
import {
  askOtherProcess,
  type OtherProcessAnswer,
  type OtherProcessRequest,
} from '../subject/other-process.ts';
import { SuiteFault } from './assertion-failure.ts';
import { Assertions } from './assertions.ts';
import type { RunState } from './run-state.ts';
import type { TimeLimits } from './time-limits.ts';

/** What a check works with: assertions, the provider under test, and sandboxes that are cleaned up. */
export class CheckContext extends Assertions {
  /** Of this check. */
  readonly id: string;
  /** Aborted when the check has run out of time or the run was stopped. */
  readonly signal: AbortSignal;
  readonly state: RunState;
  readonly #claims: Traits;
  #ended = false;

  constructor(id: string, state: RunState, claims: Traits, signal: AbortSignal) {
    super();
    this.id = id;
    this.state = state;
    this.signal = signal;
    this.#claims = claims;
  }

  get provider(): Provider {
    return this.state.provider;
  }

  /** The provider that workspaces are moved to, and back from. */
  get second(): Provider {
    return this.state.second.provider;
  }

  get limits(): TimeLimits {
    return this.state.limits;
  }

  /** What the subject can do on this host: as declared, less what its `probe` takes away. */
  get capabilities(): Capabilities {
    return this.state.capabilities;
  }

  /** What the subject is held to: its own traits, or what the run assumes of it. */
  get claims(): Traits {
    return this.#claims;
  }

  /** A word that nothing else on this host contains. */
  word(prefix = 'gantry'): string {
    return `${prefix}-${randomBytes(9).toString('hex')}`;
  }

  /** A new sandbox, which the runner destroys after the check. `provider` may be a wrapped one. */
  async create(options: CreateOptions = {}, provider: Provider = this.provider): Promise<Sandbox> {
    if (this.#ended) throw new SuiteFault(`${this.id} creates a sandbox after its end`);
    const labels = { ...options.labels, ...this.state.labels, check: this.id.replace('/', '.') };
    const sandbox = await provider.create({ maxLifetimeMs: 600_000, ...options, labels });
    this.adopt(sandbox.ref, provider);
    if (this.#ended) await this.#ownerOf(provider).destroy(sandbox.ref);
    return sandbox;
  }

  /** Leaves a sandbox that came about in another way to the runner's clean-up. `provider` may be a wrapped one. */
  adopt(ref: SandboxRef, provider: Provider = this.provider): void {
    this.state.record(ref, this.id, this.#ownerOf(provider));
  }

  /** Nothing is cleaned up through what a check has wrapped around its subject. */
  #ownerOf(provider: Provider): Provider {
    return provider === this.second ? this.second : this.provider;
  }

  /** The sandbox that checks share, and a new directory in it, absolute. Leave everything else as it is. */
  async shared(): Promise<{ readonly sandbox: Sandbox; readonly directory: string }> {
    const sandbox = await this.state.shared();
    const directory = `/workspace/${this.word('dir')}`;
    await sandbox.files.makeDirectory(directory);
    return { sandbox, directory };
  }

  /** The provider with something around its driver, and its driver's calls counted inside it. */
  counted(wrapper: DriverWrapper = (driver) => driver): {
    readonly provider: Provider;
    readonly counts: CallCounts;
  } {
    const { wrapper: count, counts } = counting();
    return { provider: this.provider.wrap((driver) => count(wrapper(driver))), counts };
  }

  /** Does something with the subject in a fresh process of this host. */
  async otherProcess(request: OtherProcessRequest): Promise<OtherProcessAnswer> {
    const { source } = this.state.subject;
    if (!source) this.untestable('another process cannot load a live provider; give a module path');
    const answer = await askOtherProcess(source, request, this.limits.otherProcess);
    if (answer.ref) this.adopt(answer.ref);
    this.ok(answer.pid !== process.pid, 'the other process must be another one');
    return answer;
  }

  /** Processes of this host with a marker in their command line; `undefined` where that cannot be seen. */
  hostProcesses(marker: string): Promise<number[] | undefined> {
    return hostProcesses(marker, this.limits.check);
  }

  /** Says that a protection which the subject does not claim is not there. */
  weaker(message: string): void {
    this.state.weaker.set(this.id, message);
  }

  /** The runner's: from now on nothing new is made. */
  end(): void {
    this.#ended = true;
  }
}
