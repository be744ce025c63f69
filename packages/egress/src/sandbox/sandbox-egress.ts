import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { NetworkPolicy, OnSecret, SecretResolver } from '@gantry/core';
import type { Call, DriverHandle, Interception, SandboxDriver } from '@gantry/core/driver';
import type { EgressBudgets, EgressEngine, EgressOptions, EgressSession } from '../egress-types.ts';
import type { EgressTerms } from './egress-record.ts';
import type { SandboxEvents } from './sandbox-events.ts';
import { type TrustPaths, trustPaths, writeTrust } from './trust-files.ts';

/** How long the end of a sandbox waits for its last events. */
const lastEventsMs = 5_000;

/** What a sandbox's proxy is made of. */
export interface EgressParts {
  readonly createEngine: (options: EgressOptions) => EgressEngine;
  readonly options: Omit<EgressOptions, 'record' | 'secrets' | 'onSecret'>;
  readonly resolver: SecretResolver | undefined;
  readonly onSecret: OnSecret | undefined;
  readonly budgets: EgressBudgets | undefined;
  readonly events: SandboxEvents;
}

/** The proxy of one sandbox in this process: an engine of its own, so that nobody's full record stops another's requests. */
export class SandboxEgress {
  readonly terms: EgressTerms;
  readonly events: SandboxEvents;
  readonly #engine: EgressEngine;
  readonly #session: EgressSession;
  readonly #trust: TrustPaths;
  #interception: Interception | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    terms: EgressTerms,
    events: SandboxEvents,
    engine: EgressEngine,
    session: EgressSession,
    trust: TrustPaths,
  ) {
    this.terms = terms;
    this.events = events;
    this.#engine = engine;
    this.#session = session;
    this.#trust = trust;
  }

  /** Opens the session, which looks up the secrets; nobody is served before `serve`. */
  static async open(
    sandbox: string,
    terms: EgressTerms,
    port: number,
    parts: EgressParts,
  ): Promise<SandboxEgress> {
    const { createEngine, options, resolver, onSecret, budgets, events } = parts;
    const engine = createEngine({
      ...options,
      ...(resolver ? { secrets: resolver } : {}),
      ...(onSecret ? { onSecret } : {}),
      record: events.record,
    });
    const trust = trustPaths(randomBytes(4).toString('hex'));
    try {
      const session = await engine.session({
        ...{ sandbox, policy: terms.network, secrets: terms.secrets, trust },
        proxy: { host: '127.0.0.1', port },
        ...(budgets ? { budgets } : {}),
      });
      return new SandboxEgress(terms, events, engine, session, trust);
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  /** One connection of the sandbox. */
  accept(connection: Duplex): void {
    this.#session.accept(connection);
  }

  /** What the sandbox connects to comes by this interception from now on. Puts the authority into the sandbox. */
  async serve(
    driver: SandboxDriver,
    handle: DriverHandle,
    interception: Interception,
    call: Call,
  ): Promise<void> {
    this.#interception = interception;
    await writeTrust(driver, handle, this.#session, this.#trust, call);
  }

  /** What a command is given beside its own variables and those of the sandbox. */
  environment(): Record<string, string> {
    const given = new Set(this.terms.given);
    return Object.fromEntries(
      Object.entries(this.#session.environment()).filter(([name]) => !given.has(name)),
    );
  }

  update(policy: NetworkPolicy): void {
    this.#session.update(policy);
  }

  /** Nothing gets out any more. Resolves when what happened is recorded, or after five seconds. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#session.close();
    await this.#interception?.close();
    const waited = new AbortController();
    const late = delay(lastEventsMs, 'late', { ref: false, signal: waited.signal });
    const recorded = this.#engine.close().then(
      () => undefined,
      (error: unknown) => String(error),
    );
    const problem = await Promise.race([recorded, late.catch(() => undefined)]);
    // Its sandbox is let go of all the same: nothing gets out any more.
    if (problem !== undefined) {
      const what = `the last egress events of sandbox ${this.#session.sandbox} are not recorded`;
      process.emitWarning(`${what}: ${problem}`);
    }
    waited.abort();
  }
}
