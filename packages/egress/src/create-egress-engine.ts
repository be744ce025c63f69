import { SandboxError } from '@gantry/core';
import { NameAnswers } from './dial/name-answers.ts';
import type { EgressEngine, EgressOptions, EgressSession, SessionOptions } from './egress-types.ts';
import { EventQueue } from './events/event-queue.ts';
import { ProxyServers } from './http/proxy-servers.ts';
import { CompiledPolicy } from './policy/compiled-policy.ts';
import { SecretBroker } from './secrets/broker.ts';
import { checkBudgets } from './session/budget.ts';
import { LiveSession } from './session/live-session.ts';
import { SessionAuthority } from './tls/session-authority.ts';

const defaultMaxPending = 8192;

/** A proxy that lets out what a policy allows, puts secrets into it, and keeps a record. Close it at the end. */
export function createEgressEngine(options: EgressOptions): EgressEngine {
  const events = new EventQueue(options.record, options.maxPending ?? defaultMaxPending);
  const names = new NameAnswers(options.lookup);
  const servers = new ProxyServers();
  const sessions = new Set<LiveSession>();
  let closed = false;

  async function session(wanted: SessionOptions): Promise<EgressSession> {
    checkBudgets(wanted.budgets ?? {});
    // Refused before any secret is asked for.
    void new CompiledPolicy(wanted.policy);
    const broker = new SecretBroker(options.secrets, options.onSecret);
    const [authority] = await Promise.all([
      SessionAuthority.create(),
      broker.open(wanted.secrets ?? {}),
    ]);
    if (closed) {
      const message = 'egress: the engine is closed; create another';
      throw new SandboxError('failed-precondition', message, { operation: 'egress' });
    }
    const live = new LiveSession({
      options: wanted,
      events,
      names,
      broker,
      authority,
      authorities: options.authorities ?? [],
      serve: (owner, socket) => servers.serve(owner, socket),
      onClose: (ended) => sessions.delete(ended),
    });
    sessions.add(live);
    return live;
  }

  async function close(): Promise<void> {
    closed = true;
    await Promise.all([...sessions].map((live) => live.close()));
    await events.stop();
  }

  return { events, session, close, [Symbol.asyncDispose]: close };
}
