import type { ToolName, ToolsetLimits } from '@gantry/agent/toolset';
import type { CreateOptions, Provider, SnapshotStore } from '@gantry/core';

/** What the clients of a server are given. */
export interface McpServerOptions {
  /** Makes the sandboxes. */
  readonly provider: Provider;
  /** What each fresh sandbox is made of. */
  readonly create?: Omit<CreateOptions, 'signal' | 'timeoutMs'>;
  /** Where snapshots are kept. A client sees only those that it took itself. Default: in memory, as long as the server runs. */
  readonly snapshots?: SnapshotStore;
  /** Tools of the toolset that there are. Default: all. */
  readonly tools?: readonly ToolName[];
  readonly limits?: Partial<ToolsetLimits>;
  /** Sandboxes that one session may have at once. Default 8. */
  readonly maxSandboxes?: number;
  /** Version that the server tells. Default `0.0.0`. */
  readonly version?: string;
}
