import type { CreateOptions, Provider } from '../../contract/provider.ts';
import { canonicalDigest } from '../../manifest/canonical-json.ts';
import { planManifest } from '../../manifest/plan-manifest.ts';
import { resolveManifest } from '../../manifest/resolve-manifest.ts';
import { KnownSecrets } from '../../secrets/known-secrets.ts';
import { LeasedSandbox, type LeaseTerms } from './leased-sandbox.ts';

/** How many sandboxes are kept warm. */
export interface PoolOptions {
  /** Warm sandboxes kept for each manifest in use. Default 1. */
  readonly min?: number;
  /** Warm sandboxes in all. Default 8. */
  readonly max?: number;
  /** Milliseconds after which the warm sandboxes of a manifest that nobody asks for are destroyed. Default 60,000. */
  readonly idleMs?: number;
}

type SandboxOptions = Omit<CreateOptions, 'signal' | 'timeoutMs'>;

/** How long the sources of a manifest may take to be read. */
const resolveMs = 5 * 60_000;

/** A sandbox that waits, and the secrets that were looked up for it. */
interface Warm {
  readonly leased: LeasedSandbox;
  readonly secrets: KnownSecrets;
}

interface Shelf {
  readonly ready: Warm[];
  making: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Sandboxes that are made before they are asked for. A sandbox fits a request only when the plan's digest is the same, so a
 * local source that has changed finds none; each is handed out once. Their leases are the pool's until then.
 */
export class Pool {
  readonly #terms: LeaseTerms;
  readonly #min: number;
  readonly #max: number;
  readonly #idleMs: number;
  readonly #shelves = new Map<string, Shelf>();
  readonly #background = new Set<Promise<void>>();
  #closed = false;

  constructor(terms: LeaseTerms, options: PoolOptions) {
    this.#terms = terms;
    this.#min = options.min ?? 1;
    this.#max = options.max ?? 8;
    this.#idleMs = options.idleMs ?? 60_000;
  }

  /** A warm sandbox that is what these options would make, or nothing. Either way the next one is being made. */
  async take(provider: Provider, options: SandboxOptions): Promise<LeasedSandbox | undefined> {
    if (this.#closed) return undefined;
    const key = await keyOf(provider, options);
    const shelf = this.#shelf(key);
    clearTimeout(shelf.timer);
    shelf.timer = setTimeout(() => this.#track(this.#clear(key)), this.#idleMs).unref();
    let found: Warm | undefined;
    while (!found) {
      const next = shelf.ready.shift();
      if (!next) break;
      if (await isRunning(next.leased)) found = next;
      else this.#track(next.leased.destroy());
    }
    this.#fill(shelf, provider, options);
    if (options.onSecret) found?.secrets.follow(options.onSecret);
    return found?.leased;
  }

  /** Destroys what is warm; the pool gives nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    // What is being made is put on its shelf first.
    while (this.#background.size > 0) await Promise.all(this.#background);
    await Promise.all([...this.#shelves.keys()].map((key) => this.#clear(key)));
  }

  #shelf(key: string): Shelf {
    const known = this.#shelves.get(key) ?? { ready: [], making: 0, timer: undefined };
    this.#shelves.set(key, known);
    return known;
  }

  #fill(shelf: Shelf, provider: Provider, options: SandboxOptions): void {
    const all = [...this.#shelves.values()];
    let room = this.#max - all.reduce((sum, { ready, making }) => sum + ready.length + making, 0);
    for (; room > 0 && shelf.ready.length + shelf.making < this.#min; room--) {
      shelf.making += 1;
      this.#track(this.#make(shelf, provider, options));
    }
  }

  async #make(shelf: Shelf, provider: Provider, options: SandboxOptions): Promise<void> {
    // Nobody has it yet who could be told.
    const secrets = new KnownSecrets();
    try {
      const none = async (): Promise<void> => undefined;
      const made = await LeasedSandbox.create(this.#terms, provider, options, none, (leased) =>
        provider.create({
          ...options,
          labels: { ...options.labels, ...leased.labels },
          maxLifetimeMs: leased.maxLifetimeMs,
          onSecret: secrets.learn,
        }),
      );
      shelf.ready.push({ leased: made, secrets });
    } catch (error) {
      throw secrets.error(error);
    } finally {
      shelf.making -= 1;
    }
  }

  async #clear(key: string): Promise<void> {
    const shelf = this.#shelves.get(key);
    if (!shelf) return;
    clearTimeout(shelf.timer);
    this.#shelves.delete(key);
    await Promise.all(shelf.ready.splice(0).map(({ leased }) => leased.destroy()));
  }

  /** Runs beside the caller. What fails is no loss to them: a create that fails for the pool fails for them with its reason. */
  #track(work: Promise<void>): void {
    const tracked = work.catch((error: unknown) => {
      process.emitWarning(`the pool of warm sandboxes: ${String(error)}`);
    });
    this.#background.add(tracked);
    void tracked.then(() => this.#background.delete(tracked));
  }
}

async function isRunning({ sandbox }: LeasedSandbox): Promise<boolean> {
  try {
    return (await sandbox.inspect()).state === 'running';
  } catch {
    // Of no use to whoever asks now; it is destroyed, and that fails loudly if it must.
    return false;
  }
}

/** What two sandboxes must have in common to be the same: the plan, and what no plan covers. */
async function keyOf(provider: Provider, options: SandboxOptions): Promise<string> {
  const {
    manifest,
    labels,
    maxLifetimeMs,
    baseDirectory = process.cwd(),
    secrets,
    onSecret,
  } = options;
  const rest = { provider: provider.id, labels, maxLifetimeMs };
  if (!manifest) return canonicalDigest(rest);
  const call = { signal: AbortSignal.timeout(resolveMs), ...(onSecret ? { onSecret } : {}) };
  const resolving = { baseDirectory, call, ...(secrets ? { secrets } : {}) };
  const resolved = await resolveManifest(manifest, resolving);
  const { capabilities, id } = provider;
  const plan = planManifest(resolved, { provider: id, capabilities });
  const { env, secrets: references, labels: own } = manifest;
  return canonicalDigest({ ...rest, plan: plan.digest, env, references, own });
}
