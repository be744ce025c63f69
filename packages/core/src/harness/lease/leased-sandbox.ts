import { randomUUID } from 'node:crypto';
import type { CreateOptions, Provider } from '../../contract/provider.ts';
import { parseRef } from '../../contract/sandbox-ref.ts';
import type { Sandbox } from '../../contract/sandbox.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { persist } from '../run/persist.ts';
import { chosenLifetime, LifetimeKeeper } from './lifetime-keeper.ts';
import type { LeaseStore } from './lease-store.ts';

/** Names of the labels by which a reaper knows whose a sandbox is. */
export const leaseLabels = {
  store: 'gantry.store',
  lease: 'gantry.lease',
  /** Milliseconds since the Unix epoch after which nobody can need the sandbox. */
  until: 'gantry.until',
} as const;

/** Where leases are kept and in whose name. */
export interface LeaseTerms {
  readonly leases: LeaseStore;
  readonly owner: string;
  /** Milliseconds until a lease that nobody renews has run out. */
  readonly ttlMs: number;
  /** Milliseconds that a sandbox lives whose lifetime nobody chose; then it is extended while its lease is kept. Default one hour. */
  readonly lifetimeMs?: number | undefined;
  /** Told when the lease was lost: whoever has it now decides about the sandbox. */
  readonly onLost?: (error: unknown) => void;
}

/** What is asked of a provider under a lease. */
export interface LeasedCreate {
  readonly labels: Readonly<Record<string, string>>;
  readonly maxLifetimeMs: number;
}

const defaultLifetimeMs = 60 * 60 * 1000;

/** A sandbox together with the lease that keeps the reaper off it, renewed until it is destroyed or let go of. */
export class LeasedSandbox {
  readonly sandbox: Sandbox;
  readonly lease: string;
  /** Told when the lease was lost. */
  onLost: LeaseTerms['onLost'];
  readonly #terms: LeaseTerms;
  #epoch: number;
  readonly #lifetime: LifetimeKeeper | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    terms: LeaseTerms,
    lease: string,
    epoch: number,
    sandbox: Sandbox,
    lifetime: LifetimeKeeper | undefined,
  ) {
    this.#terms = terms;
    this.onLost = terms.onLost;
    this.lease = lease;
    this.#epoch = epoch;
    this.sandbox = sandbox;
    this.#lifetime = lifetime;
    this.#keepUp();
  }

  /**
   * Writes a lease, then makes the sandbox. `onLease` is told the lease before anything is made. When the create surely did
   * nothing the lease goes too; otherwise it has run out, and a reaper looks.
   */
  static async create(
    terms: LeaseTerms,
    provider: Provider,
    options: Pick<CreateOptions, 'manifest' | 'maxLifetimeMs'>,
    onLease: (lease: string) => Promise<void>,
    create: (leased: LeasedCreate) => Promise<Sandbox>,
  ): Promise<LeasedSandbox> {
    const { leases, owner, ttlMs } = terms;
    const { id, epoch } = await leases.acquire({
      id: randomUUID(),
      owner,
      provider: provider.id,
      ttlMs,
    });
    const chosen = chosenLifetime(options);
    const { lifetimeMs = defaultLifetimeMs } = terms;
    const maxLifetimeMs = chosen ?? lifetimeMs;
    const endsAt = Date.now() + maxLifetimeMs;
    const labels = {
      [leaseLabels.store]: leases.id,
      [leaseLabels.lease]: id,
      [leaseLabels.until]: String(endsAt),
    };
    let sandbox;
    try {
      await onLease(id);
      sandbox = await create({ labels, maxLifetimeMs });
    } catch (error) {
      // An answer that was lost may still have made a sandbox: from now on it is the reaper's.
      const maybeMade = SandboxError.is(error) && error.outcome !== 'not-started';
      if (maybeMade) await leases.renew(id, epoch, 0);
      else await leases.release(id, epoch);
      throw error;
    }
    const keeper =
      chosen === undefined ? new LifetimeKeeper(sandbox, lifetimeMs, endsAt) : undefined;
    // With an inventory the reaper finds it by its label.
    if (provider.capabilities.inventory)
      return new LeasedSandbox(terms, id, epoch, sandbox, keeper);
    try {
      await leases.renew(id, epoch, ttlMs, JSON.stringify(sandbox.ref));
    } catch (error) {
      await sandbox.destroy();
      throw error;
    }
    return new LeasedSandbox(terms, id, epoch, sandbox, keeper);
  }

  /** Reaches a sandbox that another owner left, and takes its lease over. Rejects as `provider.connect` does. */
  static async attach(
    terms: LeaseTerms,
    provider: Provider,
    lease: string,
    ref: string,
    options: Pick<CreateOptions, 'manifest' | 'maxLifetimeMs' | 'onSecret'>,
  ): Promise<LeasedSandbox> {
    const { leases, owner, ttlMs, lifetimeMs = defaultLifetimeMs } = terms;
    const { onSecret } = options;
    const found = await leases.find(lease);
    if (!found) {
      throw new SandboxError('not-found', `the lease ${lease} is gone, and so is its sandbox`, {
        operation: 'leases.fence',
      });
    }
    const sandbox = await provider.connect(parseRef(ref), onSecret ? { onSecret } : {});
    const { epoch } = await leases.fence(lease, { owner, ttlMs, over: found.epoch });
    const isChosen = chosenLifetime(options) !== undefined;
    const keeper = isChosen ? undefined : new LifetimeKeeper(sandbox, lifetimeMs);
    return new LeasedSandbox(terms, lease, epoch, sandbox, keeper);
  }

  /** Destroys the sandbox, however often that takes, and gives up the lease. One that another has taken over is left to them. */
  async destroy(): Promise<void> {
    clearInterval(this.#timer);
    if (!(await this.#isOurs())) {
      await this.sandbox.release();
      return;
    }
    await persist('sandbox.destroy', () => this.sandbox.destroy());
    await this.#terms.leases.release(this.lease, this.#epoch);
  }

  /** Lets go of the sandbox and leaves it and its lease to whoever took over. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.sandbox.release();
  }

  async #isOurs(): Promise<boolean> {
    const { leases } = this.#terms;
    return (await persist('leases.find', () => leases.find(this.lease)))?.epoch === this.#epoch;
  }

  #keepUp(): void {
    const { leases, ttlMs } = this.#terms;
    const renew = async (): Promise<void> => {
      try {
        await leases.renew(this.lease, this.#epoch, ttlMs);
        await this.#lifetime?.keep();
      } catch (error) {
        // A store that is out of reach may be back in time; one that refuses has given the lease to another.
        if (!SandboxError.is(error) || error.code !== 'aborted') return;
        clearInterval(this.#timer);
        this.onLost?.(error);
      }
    };
    this.#timer = setInterval(() => void renew(), ttlMs / 3).unref();
  }
}
