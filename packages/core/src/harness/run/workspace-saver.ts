import type { CreateOptions, Provider } from '../../contract/provider.ts';
import type { Sandbox } from '../../contract/sandbox.ts';

/** What is known of a saved workspace. */
export interface SavedWorkspace {
  /** Names it in the store. */
  readonly snapshot: string;
  /** Digest of its contents. */
  readonly tree: string;
}

/** What came of doing to a saved workspace what was done between two others. */
interface MergedWorkspace {
  /** Absent where there were conflicts. */
  readonly saved?: SavedWorkspace;
  readonly changes: number;
  readonly conflicts: readonly string[];
}

/** Saves workspaces and makes sandboxes of them again. */
export interface WorkspaceSaver {
  save(
    sandbox: Sandbox,
    parent: string | undefined,
    options: {
      readonly signal: AbortSignal;
      /** Values that must not be in the workspace. Those under 8 bytes are not looked for. */
      readonly secrets: readonly string[];
    },
  ): Promise<SavedWorkspace>;
  /** Gives up what was saved; its bytes go when the store is pruned. Idempotent. */
  forget(snapshot: string): Promise<void>;
  /** Does to `ours` what was done from `base` to `theirs`. */
  merge(
    sides: { readonly base: string; readonly ours: string; readonly theirs: string },
    signal: AbortSignal,
  ): Promise<MergedWorkspace>;
  /** A new sandbox with exactly these contents. */
  restore(provider: Provider, snapshot: string, options: CreateOptions): Promise<Sandbox>;
}

/** What a sandbox needs, without what its workspace contains: that comes from the snapshot. */
export function withoutContents<Options extends CreateOptions>(options: Options): Options {
  if (!options.manifest) return options;
  const { entries: _entries, setup: _setup, ...manifest } = options.manifest;
  return { ...options, manifest };
}
