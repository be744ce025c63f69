/** A promise to look after one sandbox, written before the sandbox is made. Times are the store's own. */
export interface Lease {
  readonly id: string;
  /** Grows each time the lease changes hands; who comes with an older one is refused. */
  readonly epoch: number;
  readonly owner: string;
  readonly provider: string;
  /** JSON of the sandbox's ref, once it is known. */
  readonly ref?: string;
  /** The lease holds until then unless it is renewed. Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
}

/** What a lease is asked for with. */
export interface LeaseRequest {
  /** Unguessable; also a label of the sandbox. */
  readonly id: string;
  readonly owner: string;
  readonly provider: string;
  readonly ttlMs: number;
}

/**
 * Who looks after which sandbox, with fencing: whoever lost a lease is told at the next call, with `aborted`. Every
 * change is durable when it resolves. `leaseChecks` in `@gantry/core/testing` proves an implementation.
 */
export interface LeaseStore {
  /** Names this store for as long as it exists: sandboxes carry it as a label, so that stores that share an account keep apart. */
  readonly id: string;
  /** A new lease of epoch 1. `already-exists` when the id is taken. */
  acquire(request: LeaseRequest): Promise<Lease>;
  /** Moves the end, and keeps the ref where one is given. `aborted` when the epoch is not the lease's, or it is gone. */
  renew(id: string, epoch: number, ttlMs: number, ref?: string): Promise<Lease>;
  /** Forgets the lease: its sandbox is gone. `aborted` when the epoch is not the lease's; one that is gone is no error. */
  release(id: string, epoch: number): Promise<void>;
  /** Takes a lease over under a new epoch. `failed-precondition` while it holds, unless `over` is its epoch. */
  fence(id: string, options: FenceOptions): Promise<Lease>;
  /** One lease; `undefined` is a confirmed absence. */
  find(id: string): Promise<Lease | undefined>;
  /** Every lease, each with whether it has expired by the store's clock. */
  list(): AsyncIterable<Lease & { readonly expired: boolean }>;
}

/** How a lease is taken over. */
export interface FenceOptions {
  readonly owner: string;
  readonly ttlMs: number;
  /** Takes over although this epoch still holds. Only for who knows that its owner is gone. */
  readonly over?: number;
}
