import type { NetworkEvent } from '../../contract/network.ts';
import type { Sandbox } from '../../contract/sandbox.ts';
import type { EventFacts, Json } from '../journal/run-event.ts';
import type { RunLog } from '../journal/run-log.ts';
import { sandboxName } from './recorded-sandbox.ts';

/** What a guest chose may be as long as it likes. */
const longestFact = 300;

/** Said apart: what was asked of a host goes when the run is erased. */
const inBody = new Set(['path', 'method']);

/**
 * Has everything that a sandbox tries to reach written into its run's journal, where the provider can tell it. What the journal
 * does not take does not leave the sandbox.
 */
export function recordEgress(log: RunLog, sandbox: Sandbox, scope?: string): void {
  if (sandbox.capabilities.network?.recorded !== true) return;
  const about = { sandbox: sandboxName(sandbox.ref), ...(scope === undefined ? {} : { scope }) };
  sandbox.recordNetwork(async (events) => {
    for (const event of events) log.note({ ...about, ...factsOf(event) }, bodyOf(event));
    await log.flush();
  });
}

function factsOf(event: NetworkEvent): Pick<EventFacts, 'type' | 'facts'> {
  const facts = members(event).filter(([name]) => !inBody.has(name) && name !== 'sandbox');
  return { type: 'egress', facts: Object.fromEntries(facts) };
}

function bodyOf(event: NetworkEvent): Json | undefined {
  const asked = members(event).filter(([name]) => inBody.has(name));
  return asked.length === 0 ? undefined : Object.fromEntries(asked);
}

function members(event: NetworkEvent): [string, Json][] {
  return Object.entries(event).flatMap(([name, value]: [string, unknown]): [string, Json][] => {
    if (typeof value === 'string') return [[name, value.slice(0, longestFact)]];
    if (typeof value === 'number' || typeof value === 'boolean') return [[name, value]];
    if (!Array.isArray(value)) return [];
    return [[name, value.filter((item) => typeof item === 'string')]];
  });
}
