import type { Duplex } from 'node:stream';
import {
  type NetworkPolicy,
  type NetworkRecorder,
  SandboxError,
  type SandboxRef,
  type SecretResolver,
} from '@gantry/core';
import type {
  Call,
  CreateRequest,
  DriverHandle,
  Interception,
  InterceptOptions,
  OnConnection,
  SandboxDriver,
} from '@gantry/core/driver';
import type { EgressEngine, EgressOptions } from '../egress-types.ts';
import { defaultStateDirectory, EgressRecords, type EgressTerms } from './egress-record.ts';
import { SandboxEgress } from './sandbox-egress.ts';
import { SandboxEvents } from './sandbox-events.ts';
import type { WithEgressOptions } from './with-egress.ts';

/** Makes the proxy of one sandbox. */
export type CreateEngine = (options: EgressOptions) => EgressEngine;

/** Where a fresh sandbox finds its proxy. One that runs already may have something there. */
const freshPort = 3128;
/** How often policies that another process may have changed are looked at. */
const lookEveryMs = 1_000;

/** What this process knows of one sandbox that it serves. */
interface Served {
  readonly egress: SandboxEgress;
  readonly endsAt: number;
  terms: EgressTerms;
  /** The record as it was last seen. */
  text: string | undefined;
  readonly look: NodeJS.Timeout;
}

/** The egress of all sandboxes of one provider in this process. */
export class EgressHost {
  readonly #driver: SandboxDriver;
  readonly #options: WithEgressOptions;
  readonly #createEngine: CreateEngine;
  readonly #records: EgressRecords;
  readonly #served = new Map<DriverHandle, Served>();
  /** Of sandboxes that have no network yet. */
  readonly #recorders = new WeakMap<DriverHandle, NetworkRecorder>();
  /** How whoever made a sandbox in this process has its secrets looked up; also after a `connect`. */
  readonly #resolvers = new Map<string, SecretResolver>();

  constructor(driver: SandboxDriver, options: WithEgressOptions, createEngine: CreateEngine) {
    this.#driver = driver;
    this.#options = options;
    this.#createEngine = createEngine;
    this.#records = new EgressRecords(options.stateDirectory ?? defaultStateDirectory());
  }

  /** Makes a sandbox by the driver, and serves it where its request asks for that. Of one that cannot be served nothing is left. */
  async create(
    request: CreateRequest,
    call: Call,
    make: (request: CreateRequest) => Promise<DriverHandle>,
  ): Promise<DriverHandle> {
    const { network, secrets = {}, secretResolver, ...rest } = request;
    const hasSecrets = Object.keys(secrets).length > 0;
    if (network.mode === 'open' && hasSecrets) throw unbrokered();
    if (network.mode !== 'allow-list' && !hasSecrets) return make({ ...rest, network });
    const terms = { network, secrets, given: Object.keys(request.env) };
    // First: what is wrong with the policy or the secrets is told before anything is made.
    const egress = await this.#open(request.id, terms, freshPort, call, secretResolver);
    try {
      const handle = await make({ ...rest, network: { mode: 'none' } });
      return await this.#undoUnless(handle, async () => {
        const accept = (connection: Duplex): void => egress.accept(connection);
        const interception = await this.#intercept(handle, { port: freshPort }, accept, call);
        await egress.serve(this.#driver, handle, interception, call);
        if (secretResolver) this.#resolvers.set(handle.ref.id, secretResolver);
        const endsAt = Date.now() + request.maxLifetimeMs;
        this.#keep(handle, interception, { egress, terms, endsAt });
        this.#write(handle);
      });
    } catch (error) {
      await egress.close();
      throw error;
    }
  }

  /** Serves a sandbox that runs already, by what its record says. */
  async reattach(handle: DriverHandle, call: Call): Promise<DriverHandle> {
    try {
      const found = this.#records.read(handle.ref);
      if (found) await this.#serveRunning(handle, found.terms, found.endsAt, call);
      return handle;
    } catch (error) {
      await this.#driver.release(handle);
      throw error;
    }
  }

  /** Serves a clone by its source's terms. */
  async serveClone(
    source: DriverHandle,
    clone: DriverHandle,
    { maxLifetimeMs }: Pick<CreateRequest, 'maxLifetimeMs'>,
    call: Call,
  ): Promise<DriverHandle> {
    const terms = this.#served.get(source)?.terms;
    if (!terms) return clone;
    return this.#undoUnless(clone, async () => {
      const resolver = this.#resolvers.get(source.ref.id);
      if (resolver) this.#resolvers.set(clone.ref.id, resolver);
      await this.#serveRunning(clone, terms, Date.now() + maxLifetimeMs, call);
      this.#write(clone);
    });
  }

  /** From now on this policy holds for the sandbox, in every process that serves it: in others within a second. */
  async set(handle: DriverHandle, network: NetworkPolicy, call: Call): Promise<void> {
    if (network.mode === 'open') {
      const message = 'a sandbox that runs cannot be given an open network; create one with it';
      throw new SandboxError('unsupported', message, { details: { capability: 'network.modes' } });
    }
    const served = this.#served.get(handle);
    if (served) {
      served.egress.update(network);
      served.terms = { ...served.terms, network };
    } else if (network.mode === 'none') {
      const message = 'the sandbox has no network of this process to take away';
      if (this.#records.read(handle.ref)) throw new SandboxError('failed-precondition', message);
      return;
    } else {
      const { expiresAt = Number.MAX_SAFE_INTEGER } = await this.#driver.inspect(handle.ref, call);
      await this.#serveRunning(handle, { network, secrets: {}, given: [] }, expiresAt, call);
    }
    this.#write(handle);
  }

  /** Has what the sandbox tries to reach recorded, from now on, in this process. */
  record(handle: DriverHandle, recorder: NetworkRecorder): void {
    this.#recorders.set(handle, recorder);
    this.#served.get(handle)?.egress.events.setRecorder(recorder);
  }

  /** A command's own variables, and those that it needs for the proxy. Its own win. */
  environment(
    handle: DriverHandle,
    env: Readonly<Record<string, string>>,
  ): Readonly<Record<string, string>> {
    const served = this.#served.get(handle);
    return served ? { ...served.egress.environment(), ...env } : env;
  }

  /** Ends what this process does for a handle. Idempotent. */
  async close(handle: DriverHandle): Promise<void> {
    const served = this.#served.get(handle);
    if (!served) return;
    clearInterval(served.look);
    this.#served.delete(handle);
    await served.egress.close();
  }

  /** The same for every handle of a sandbox. */
  async closeAll(ref: SandboxRef): Promise<void> {
    const handles = [...this.#served.keys()].filter((handle) => handle.ref.id === ref.id);
    await Promise.all(handles.map((handle) => this.close(handle)));
  }

  /** Of a sandbox that is gone. */
  forget(ref: SandboxRef): void {
    this.#resolvers.delete(ref.id);
    this.#records.remove(ref);
  }

  #open(
    sandbox: string,
    terms: EgressTerms,
    port: number,
    { onSecret }: Call,
    resolver?: SecretResolver,
  ): Promise<SandboxEgress> {
    const { budgets, secrets, record, stateDirectory: _state, ...options } = this.#options;
    return SandboxEgress.open(sandbox, terms, port, {
      ...{ createEngine: this.#createEngine, options, budgets },
      ...{ resolver: resolver ?? this.#resolvers.get(sandbox) ?? secrets, onSecret },
      events: new SandboxEvents(record),
    });
  }

  async #serveRunning(
    handle: DriverHandle,
    terms: EgressTerms,
    endsAt: number,
    call: Call,
  ): Promise<void> {
    let egress: SandboxEgress | undefined;
    const accept = (connection: Duplex): void => {
      if (egress) egress.accept(connection);
      else connection.destroy();
    };
    // Whatever the guest may have at a port of its own: there is always another.
    const interception = await this.#intercept(handle, {}, accept, call);
    try {
      egress = await this.#open(handle.ref.id, terms, interception.port, call);
      await egress.serve(this.#driver, handle, interception, call);
    } catch (error) {
      await egress?.close();
      await interception.close();
      throw error;
    }
    this.#keep(handle, interception, { egress, terms, endsAt });
  }

  async #intercept(
    handle: DriverHandle,
    options: InterceptOptions,
    onConnection: OnConnection,
    call: Call,
  ): Promise<Interception> {
    const { network } = this.#driver;
    if (network?.intercept) return network.intercept(handle, options, onConnection, call);
    throw new SandboxError('internal', `driver ${this.#driver.id} has lost network.intercept`);
  }

  #keep(
    handle: DriverHandle,
    interception: Interception,
    serving: Pick<Served, 'egress' | 'terms' | 'endsAt'>,
  ): void {
    const look = setInterval(() => this.#look(handle), lookEveryMs).unref();
    this.#served.set(handle, { ...serving, text: this.#records.text(handle.ref), look });
    const recorder = this.#recorders.get(handle);
    if (recorder) serving.egress.events.setRecorder(recorder);
    // The sandbox has ended, or sleeps on disk.
    void interception.closed.then(() => this.close(handle));
  }

  #write(handle: DriverHandle): void {
    const served = this.#served.get(handle);
    if (!served) return;
    this.#records.write(handle.ref, served.terms, served.endsAt);
    served.text = this.#records.text(handle.ref);
  }

  /** Another process may have changed the policy, or have ended the sandbox. */
  #look(handle: DriverHandle): void {
    const served = this.#served.get(handle);
    if (!served) return;
    try {
      const text = this.#records.text(handle.ref);
      if (text === served.text) return;
      const network = this.#records.read(handle.ref)?.terms.network ?? { mode: 'none' };
      served.egress.update(network);
      served.terms = { ...served.terms, network };
      served.text = text;
    } catch (error) {
      // What nobody can read allows nothing.
      served.egress.update({ mode: 'none' });
      process.emitWarning(
        `the egress policy of sandbox ${handle.ref.id} is lost: ${String(error)}`,
      );
    }
  }

  async #undoUnless(handle: DriverHandle, work: () => Promise<void>): Promise<DriverHandle> {
    try {
      await work();
      return handle;
    } catch (error) {
      await this.close(handle);
      await this.#driver.release(handle);
      await this.#driver.destroy(handle.ref, { signal: new AbortController().signal });
      this.forget(handle.ref);
      throw error;
    }
  }
}

function unbrokered(): SandboxError {
  const message =
    'secrets need the network mode allow-list or none: what an open network carries passes the broker by';
  return new SandboxError('unsupported', message, { details: { capability: 'secrets' } });
}
