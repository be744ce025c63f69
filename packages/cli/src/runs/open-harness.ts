import { homedir } from 'node:os';
import path from 'node:path';
import type { Provider } from '@gantry/core';
import type { Harness, HarnessOptions } from '@gantry/core/harness';
import { loadProvider } from '../provider/load-provider.ts';
import type { CommonOptions } from '../session.ts';

/** Options of every command that has to do with runs. */
export interface RunsOptions extends CommonOptions {
  /** Directory of the journal and of snapshots. */
  readonly state?: string;
}

/** A harness for one command, and its provider where the command makes or ends sandboxes. */
export interface OpenHarness extends AsyncDisposable {
  readonly harness: Harness;
}

/** Where runs are kept: what is asked for, else the user's directory for state. */
export function stateDirectory(options: Pick<RunsOptions, 'state'>): string {
  const home = process.env['XDG_STATE_HOME'] || path.join(homedir(), '.local', 'state');
  return path.resolve(options.state ?? process.env['GANTRY_STATE'] ?? path.join(home, 'gantry'));
}

/** Where the signing key is: not beside the journal, so that who can write the one cannot sign for the other. */
function signingDirectory(): string {
  const home = process.env['XDG_CONFIG_HOME'] || path.join(homedir(), '.config');
  return path.join(home, 'gantry', 'signing');
}

/** Opens the harness of this user, with a provider where `more` is given. Dispose it. */
export async function openHarness(
  options: RunsOptions,
  more?: Pick<HarnessOptions, 'policy' | 'onEvent'>,
): Promise<OpenHarness> {
  const { createHarness, fileSigner, sqliteJournal } = await import('@gantry/core/harness');
  const { directoryStore } = await import('@gantry/core/node');
  const directory = stateDirectory(options);
  const providers: Record<string, Provider> = {};
  if (more) {
    const provider = await loadProvider(options.provider, options.egress);
    providers[provider.id] = provider;
  }
  const journal = sqliteJournal(path.join(directory, 'journal'));
  const harness = createHarness({
    journal,
    providers,
    store: directoryStore(path.join(directory, 'snapshots')),
    signer: await fileSigner(signingDirectory()),
    actor: `user:${process.env['USER'] ?? process.getuid?.() ?? 'unknown'}`,
    ...more,
  });
  return {
    harness,
    async [Symbol.asyncDispose]() {
      await harness.close();
      await journal.close();
    },
  };
}
