import { createRequire } from 'node:module';
import { SandboxError, type Provider } from '@gantry/core';
import type { EmulatorBackend, MissingPart, ProviderView } from '../../protocol/providers.ts';
import type { EventHub } from '../event-hub.ts';
import { committedReports, summarize } from './committed-reports.ts';
import { Emulators } from './emulators.ts';
import { hasAccount, knownProviders, type KnownProvider } from './known-providers.ts';

/** How long a provider gets to answer: one that hangs must not hide what the others say. */
const answerMs = 20_000;

type Examined = Pick<ProviderView, 'ready' | 'missing' | 'capabilities' | 'doctor' | 'examinedAt'>;

/** The providers of this machine: which there are, what each can do here, and the one object that everything uses. */
export class Providers implements AsyncDisposable {
  readonly emulators: Emulators;
  readonly #opened = new Map<string, Promise<Provider>>();
  readonly #examined = new Map<string, Promise<Examined>>();
  readonly #ready = new Set<string>();

  constructor(events: EventHub) {
    this.emulators = new Emulators(events, (id) => this.use(id));
  }

  /** What a sandbox is made with: the vendor's emulator where one runs, else this machine or the account. */
  async use(id: string): Promise<Provider> {
    const known = required(id);
    const emulated = this.emulators.running(id);
    if (emulated) return emulated.provider;
    if (!hasAccount(known)) {
      const [part] = missingAccount(known);
      throw new SandboxError('failed-precondition', `${id}: ${part?.what}`, {
        provider: id,
        details: { hint: part?.how },
      });
    }
    const opened = this.#opened.get(id) ?? known.open();
    this.#opened.set(id, opened);
    // Whoever comes next tries again.
    opened.catch(() => this.#opened.delete(id));
    return opened;
  }

  /** True: what `use` gives is the vendor's emulator, started here or named by this process's environment. */
  isEmulated(id: string): boolean {
    return this.emulators.running(id) !== undefined || process.env['GANTRY_EMULATED'] === id;
  }

  /** What another process's environment must have besides this one's to use the same providers. */
  environment(): Readonly<Record<string, string>> {
    const running = knownProviders.flatMap(({ id }) => this.emulators.running(id) ?? []);
    return Object.fromEntries(
      running.flatMap(({ emulator }) => Object.entries(emulator.environment)),
    );
  }

  /** The first provider that was found ready; `local` as long as none was. */
  get preferred(): string {
    return knownProviders.find(({ id }) => this.#ready.has(id))?.id ?? 'local';
  }

  /** Every provider. `fresh` asks each anew. */
  async list(fresh: boolean): Promise<readonly ProviderView[]> {
    const reports = await committedReports();
    return Promise.all(
      knownProviders.map(async (known) => ({
        id: known.id,
        package: known.package,
        summary: known.summary,
        installed: isInstalled(known.package),
        emulated: this.isEmulated(known.id),
        ...(known.emulation ? { emulator: this.emulators.view(known.id) } : {}),
        ...(await this.#examine(known, fresh)),
        reports: [...reports]
          .filter(([, report]) => report.subject.name === known.id)
          .map(([name, report]) => summarize(name, report)),
      })),
    );
  }

  async view(id: string, fresh = false): Promise<ProviderView> {
    const found = (await this.list(fresh)).find((provider) => provider.id === id);
    if (found) return found;
    throw unknownProvider(id);
  }

  async startEmulator(id: string, backend: EmulatorBackend): Promise<void> {
    this.#examined.delete(id);
    await this.emulators.start(required(id), backend);
    this.#examined.delete(id);
  }

  async stopEmulator(id: string): Promise<void> {
    await this.emulators.stop(required(id).id);
    this.#examined.delete(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.emulators[Symbol.asyncDispose]();
  }

  #examine(known: KnownProvider, fresh: boolean): Promise<Examined> {
    if (fresh) this.#examined.delete(known.id);
    const examined = this.#examined.get(known.id) ?? this.#look(known);
    this.#examined.set(known.id, examined);
    examined.then(
      ({ ready }) => (ready ? this.#ready.add(known.id) : this.#ready.delete(known.id)),
      // Whoever comes next asks again.
      () => this.#examined.delete(known.id),
    );
    return examined;
  }

  async #look(known: KnownProvider): Promise<Examined> {
    const examinedAt = Date.now();
    if (!isInstalled(known.package)) {
      const part = {
        what: `${known.package} is not installed`,
        how: `npm install ${known.package}`,
      };
      return { ready: false, missing: [part], doctor: [], examinedAt };
    }
    const account = this.isEmulated(known.id) || hasAccount(known);
    if (!account) {
      const declared = (await known.open()).capabilities;
      return {
        ...{ ready: false, missing: missingAccount(known), examinedAt },
        ...{ doctor: [], capabilities: declared },
      };
    }
    const unusable = (error: unknown): Pick<Examined, 'ready' | 'missing' | 'examinedAt'> => {
      const hint = SandboxError.is(error) ? error.details['hint'] : undefined;
      const how = typeof hint === 'string' ? hint : `npx gantry doctor --provider ${known.id}`;
      return { ready: false, missing: [{ what: messageOf(error), how }], examinedAt };
    };
    let provider: Provider;
    try {
      provider = await this.use(known.id);
    } catch (error) {
      return { ...unusable(error), doctor: [] };
    }
    const timeoutMs = answerMs;
    const doctor = await provider
      .diagnose({ timeoutMs })
      .catch((error: unknown) => [{ control: 'doctor', ok: false, message: messageOf(error) }]);
    try {
      const capabilities = await provider.probe({ timeoutMs });
      return { ready: true, missing: [], capabilities, doctor, examinedAt };
    } catch (error) {
      return { ...unusable(error), doctor, capabilities: provider.capabilities };
    }
  }
}

/** The provider of that id. `not-found` where there is none. */
export function required(id: string): KnownProvider {
  const known = knownProviders.find((provider) => provider.id === id);
  if (known) return known;
  throw unknownProvider(id);
}

function unknownProvider(id: string): SandboxError {
  const names = knownProviders.map((provider) => provider.id).join(', ');
  return new SandboxError('not-found', `there is no provider ${JSON.stringify(id)}`, {
    details: { hint: `Give one of: ${names}` },
  });
}

function missingAccount({ account, emulation }: KnownProvider): readonly MissingPart[] {
  if (!account) return [];
  const sets = account.keys.map((names) => names.join(', ')).join('; or ');
  const emulator = emulation ? ' Or start its emulator: no account is needed.' : '';
  return [
    {
      what: `no key of an account with ${account.vendor} in the environment`,
      how: `Set ${sets} and start the demo again.${emulator}`,
    },
  ];
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(`${name}/package.json`);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND')
      return false;
    throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
