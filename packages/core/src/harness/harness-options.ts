import type { Provider } from '../contract/provider.ts';
import type { SnapshotStore } from '../contract/snapshot-store.ts';
import type { Journal } from './journal/journal.ts';
import type { RunEvent } from './journal/run-event.ts';
import type { LeaseStore } from './lease/lease-store.ts';
import type { PoolOptions } from './lease/pool.ts';
import type { Policy } from './policy/policy.ts';
import type { HeadSigner } from './provenance/head-signer.ts';

/** What a harness is made of. */
export interface HarnessOptions {
  /** Where runs are kept. The caller closes it. */
  readonly journal: Journal;
  /** Where sandboxes are made, by the names that `provider` and `route` use; the first is the default. */
  readonly providers?: Readonly<Record<string, Provider>>;
  /** Where snapshots and artifacts are kept. Without it nothing of a workspace is committed: recovery begins anew. */
  readonly store?: SnapshotStore;
  /** Default: the journal's own. */
  readonly leases?: LeaseStore;
  /** Default: everything is allowed. */
  readonly policy?: Policy;
  /**
   * Name -> value. No value ever reaches the journal, in whatever form a program prints it; checkpoints refuse to hold one. The
   * secrets of the manifests that runs make sandboxes of are learned by themselves, when they are looked up.
   */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Signs the journal's heads. Without it provenance is `unanchored`. */
  readonly signer?: HeadSigner;
  /** In whose name events are written. Default `harness`. */
  readonly actor?: string;
  /**
   * Milliseconds after which another process may take over from one that stopped saying that it is there. Default 30,000.
   * A process of this host that is surely gone is taken over from at once.
   */
  readonly claimMs?: number;
  /**
   * Milliseconds that a sandbox lives for which no `maxLifetimeMs` was chosen. While the harness works with it, it is extended
   * where the provider can; with that many to go it ends should everybody be gone. Default one hour.
   */
  readonly lifetimeMs?: number;
  /** Keeps sandboxes warm for runs and branches that begin fresh. Default: none. Then the harness must be closed. */
  readonly pool?: PoolOptions;
  /** Told every event once it is on disk. */
  readonly onEvent?: (event: RunEvent) => void;
}
