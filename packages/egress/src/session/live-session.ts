import type { Duplex } from 'node:stream';
import type { NetworkPolicy } from '@gantry/core';
import { dial, DialError, locate } from '../dial/dial.ts';
import type { NameAnswers } from '../dial/name-answers.ts';
import type { EgressSession, SessionOptions } from '../egress-types.ts';
import type { EventQueue } from '../events/event-queue.ts';
import type { Refusal } from '../http/request-target.ts';
import { UpstreamAgents } from '../http/upstream-agents.ts';
import { CompiledPolicy, type Verdict } from '../policy/compiled-policy.ts';
import { authorityOf, type Host } from '../policy/host-name.ts';
import type { SecretBroker } from '../secrets/broker.ts';
import type { SessionAuthority } from '../tls/session-authority.ts';
import { RateBudget, VolumeBudget } from './budget.ts';
import { type Attempt, Exchange } from './exchange.ts';
import { sandboxEnvironment } from './sandbox-environment.ts';

/** What sessions of one engine share, and what one is made of. */
export interface SessionParts {
  readonly options: SessionOptions;
  readonly events: EventQueue;
  readonly names: NameAnswers;
  readonly broker: SecretBroker;
  readonly authority: SessionAuthority;
  readonly authorities: readonly string[];
  readonly serve: (session: LiveSession, socket: Duplex) => void;
  readonly onClose: (session: LiveSession) => void;
}

/** One sandbox's side of the proxy: its policy, its secrets, and all that is open for it. */
export class LiveSession implements EgressSession {
  readonly sandbox: string;
  readonly broker: SecretBroker;
  readonly authority: SessionAuthority;
  readonly agents: UpstreamAgents;
  readonly #parts: SessionParts;
  readonly #volume: VolumeBudget;
  readonly #rate: RateBudget;
  readonly #mostOpen: number;
  readonly #connections = new Set<Duplex>();
  readonly #exchanges = new Set<Exchange>();
  /** How many wait for a name. */
  #beginning = 0;
  #policy: CompiledPolicy;
  #closed = false;
  static #lastId = 0;

  constructor(parts: SessionParts) {
    const { options, broker, authority, authorities } = parts;
    this.#parts = parts;
    this.sandbox = options.sandbox;
    this.broker = broker;
    this.authority = authority;
    this.#policy = new CompiledPolicy(options.policy);
    this.#mostOpen = options.budgets?.connections ?? 1024;
    this.#volume = new VolumeBudget(options.budgets ?? {});
    this.#rate = new RateBudget(options.budgets?.requestsPerMinute);
    this.agents = new UpstreamAgents((host, port) => this.dial(host, port), authorities);
  }

  get caCertificate(): string {
    return this.authority.certificate;
  }

  get caBundle(): string {
    return this.authority.bundle;
  }

  get policy(): CompiledPolicy {
    return this.#policy;
  }

  accept(socket: Duplex): void {
    socket.on('error', () => socket.destroy());
    if (this.#closed) {
      socket.destroy();
      return;
    }
    if (this.#connections.size >= this.#mostOpen) {
      this.refuse({ protocol: 'unknown' }, { status: 503, rule: 'budget', message: 'connections' });
      socket.destroy();
      return;
    }
    this.#connections.add(socket);
    // A client that has said all it has to say may still wait for the answer.
    socket.allowHalfOpen = true;
    socket.once('close', () => this.#connections.delete(socket));
    this.#parts.serve(this, socket);
  }

  environment(): Record<string, string> {
    return { ...sandboxEnvironment(this.#parts.options), ...this.broker.environment() };
  }

  update(policy: NetworkPolicy): void {
    this.#policy = new CompiledPolicy(policy);
    for (const exchange of this.#exchanges) {
      const { host, port } = exchange.attempt;
      if (host === undefined || port === undefined) continue;
      if (!this.#judge({ ...exchange.attempt, host, port }).allowed) exchange.cut('policy');
    }
    this.agents.reset();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const exchange of this.#exchanges) exchange.cut('closed');
    for (const socket of this.#connections) socket.destroy();
    this.agents.close();
    this.broker.close();
    this.#parts.onClose(this);
    await Promise.resolve();
  }

  /** Whether what is sent to a host must be read, and thus TLS to it be ended here. */
  inspects(host: Host, port: number): boolean {
    return this.#policy.limitsRequests(host, port) || this.broker.at(host, port).length > 0;
  }

  /** Begins what a policy allows, if the budgets, the record and the host's addresses allow it too. */
  async begin(
    attempt: Attempt & { readonly host: Host; readonly port: number },
    verdict: Verdict,
    secrets: readonly string[],
  ): Promise<Exchange | Refusal> {
    const stopped = this.#stopped();
    if (stopped !== undefined) return this.refuse(attempt, stopped);
    if (!verdict.allowed) return this.refuse(attempt, refusalOf(verdict, attempt));
    // One for the decision, one for the end.
    if (!this.#parts.events.reserve(this.sandbox, 2)) return recordFull;
    const asked = this.#policy;
    this.#beginning += 1;
    const problem = await this.#unreachable(attempt.host, attempt.port).finally(() => {
      this.#beginning -= 1;
    });
    // While a name was looked up the policy may have become another.
    const held = asked === this.#policy ? verdict : this.#judge(attempt);
    if (problem !== undefined || this.#closed || !held.allowed) {
      this.#parts.events.giveBack(this.sandbox, 2);
      const refusal = held.allowed ? closed : refusalOf(held, attempt);
      return this.refuse(attempt, problem ?? refusal);
    }
    LiveSession.#lastId += 1;
    const id = LiveSession.#lastId;
    this.#recordDecision(id, attempt, { allowed: true, rule: held.rule }, secrets);
    const { events } = this.#parts;
    const exchange: Exchange = new Exchange(
      { id, sandbox: this.sandbox, attempt },
      { events, budget: this.#volume },
      () => this.#exchanges.delete(exchange),
    );
    this.#exchanges.add(exchange);
    return exchange;
  }

  /** What the policy of now says of something. A tunnel that nobody reads is none for a host of which requests must be read. */
  #judge({
    host,
    port,
    method,
    path,
  }: Attempt & { readonly host: Host; readonly port: number }): Verdict {
    if (method !== undefined && path !== undefined)
      return this.#policy.request(host, port, method, path);
    if (!this.#policy.limitsRequests(host, port)) return this.#policy.host(host, port);
    return { allowed: false, rule: 'request-not-listed' };
  }

  /** Records a refusal, and returns it; where the record is full, that is the refusal. */
  refuse(attempt: Attempt, refusal: Refusal): Refusal {
    if (!this.#parts.events.reserve(this.sandbox, 1)) return recordFull;
    LiveSession.#lastId += 1;
    this.#recordDecision(LiveSession.#lastId, attempt, { allowed: false, rule: refusal.rule }, []);
    return refusal;
  }

  #recordDecision(
    id: number,
    { protocol, host, port, method, path }: Attempt,
    decision: { readonly allowed: boolean; readonly rule: string },
    secrets: readonly string[],
  ): void {
    this.#parts.events.add({
      type: 'decision',
      sandbox: this.sandbox,
      id,
      protocol,
      ...(host === undefined ? {} : { host: host.text }),
      ...(port === undefined ? {} : { port }),
      ...(method === undefined ? {} : { method }),
      ...(path === undefined ? {} : { path: this.broker.redact(path.slice(0, 2048)) }),
      ...decision,
      secrets,
    });
  }

  #stopped(): Refusal | undefined {
    if (this.#closed) return closed;
    // One connection of HTTP/2 carries many requests.
    const room = this.#exchanges.size + this.#beginning < this.#mostOpen;
    if (room && !this.#volume.spent && this.#rate.begin(performance.now())) return undefined;
    return { status: 429, rule: 'budget', message: 'the budget of this sandbox is used up' };
  }

  async #unreachable(host: Host, port: number): Promise<Refusal | undefined> {
    try {
      await locate(host, port, this.#policy, this.#parts.names);
      return undefined;
    } catch (error) {
      if (!(error instanceof DialError)) throw error;
      const status = error.reason === 'address-denied' ? 403 : 502;
      return { status, rule: error.reason, message: error.message };
    }
  }

  /** Connects to a host where the policy lets it be reached. Throws a `DialError`. */
  async dial(host: Host, port: number): ReturnType<typeof dial> {
    const addresses = await locate(host, port, this.#policy, this.#parts.names);
    return dial(host, port, addresses);
  }
}

const closed: Refusal = { status: 503, rule: 'closed', message: 'the session is closed' };
const recordFull: Refusal = {
  status: 503,
  rule: 'record-full',
  message: 'decisions cannot be recorded at the moment, so nothing is let out',
};

function refusalOf(
  { rule, ambiguous }: Verdict,
  { host, port }: { readonly host: Host; readonly port: number },
): Refusal {
  if (ambiguous === true)
    return { status: 400, rule, message: 'the path can be read in more than one way' };
  if (rule.startsWith('method-')) return { status: 405, rule, message: 'the method is refused' };
  const what = rule === 'request-not-listed' ? 'this request to ' : '';
  const message = `the network policy of this sandbox does not allow ${what}${authorityOf(host, port)}`;
  return { status: 403, rule, message };
}
