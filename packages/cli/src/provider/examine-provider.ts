import type { Capabilities, Finding } from '@gantry/core';
import { errorJson } from '../errors/report-error.ts';
import { messageOf } from '../errors/cli-error.ts';
import { loadProvider } from './load-provider.ts';

/** What became of trying a provider here. */
export interface Examination {
  readonly usable: boolean;
  /** What the provider can do here, when usable. */
  readonly capabilities?: Capabilities;
  /** Why it cannot be used, else. */
  readonly message?: string;
  readonly error?: Readonly<Record<string, unknown>>;
  /** What `diagnose` said; absent when it was not asked, or failed. */
  readonly findings?: readonly Finding[];
}

/** How long a provider gets to answer: one that hangs must not hide what the others say. */
const ANSWER_MS = 20_000;

/** Loads a provider, probes it, and with `diagnose` asks for its findings. Never rejects but on abort. */
export async function examineProvider(
  name: string,
  signal: AbortSignal,
  diagnose: boolean,
): Promise<Examination> {
  const options = { signal, timeoutMs: ANSWER_MS };
  let findings: readonly Finding[] | undefined;
  try {
    const provider = await loadProvider(name);
    if (diagnose) findings = await provider.diagnose(options);
    const capabilities = await provider.probe(options);
    return { usable: true, capabilities, ...(findings && { findings }) };
  } catch (error) {
    signal.throwIfAborted();
    return {
      usable: false,
      message: messageOf(error),
      error: await errorJson(error),
      ...(findings && { findings }),
    };
  }
}

/** The names of the optional capabilities that are there. */
export function capabilityNames(capabilities: Capabilities): readonly string[] {
  return Object.keys(capabilities).filter((name) => name !== 'traits');
}
