import type { CreateOptions } from '../../contract/provider.ts';
import type { SnapshotStore } from '../../contract/snapshot-store.ts';
import type { LeaseTerms } from '../lease/leased-sandbox.ts';
import type { Pool } from '../lease/pool.ts';
import type { Budget } from '../policy/budget.ts';
import type { Policy } from '../policy/policy.ts';
import type { Pass } from '../run/pass.ts';
import type { BranchBase } from '../run/run-state.ts';
import type { WorkspaceSaver } from '../run/workspace-saver.ts';
import type { ForkSource } from './fork-source.ts';
import type { Router } from './route.ts';

/** What all branches of a fan-out share. */
export interface FanOutContext {
  readonly pass: Pass;
  readonly name: string;
  /** Begins the scope of each branch. */
  readonly place: string;
  readonly router: Router;
  /** The provider that `route: 'first'` begins with. */
  readonly preferred: string;
  readonly terms: LeaseTerms;
  readonly pool: Pool | undefined;
  readonly saver: WorkspaceSaver | undefined;
  /** Where branches may be clones of the run's own sandbox. */
  readonly forks: ForkSource | undefined;
  readonly store: SnapshotStore | undefined;
  readonly policy: Policy;
  /** Of the whole run. */
  readonly runBudget: Budget;
  /** How a branch's sandbox is made where the fan-out does not say. */
  readonly create: Omit<CreateOptions, 'signal' | 'timeoutMs'>;
  /** Whether what is kept of branches may hold known secrets. */
  readonly acknowledgeSecrets: boolean;
  readonly base: BranchBase | undefined;
}
