import type { Sandbox } from '../../contract/sandbox.ts';
import type { ForkOptions } from '../../contract/snapshot-types.ts';
import type { RunWorkspace } from '../run/run-workspace.ts';
import type { Scope } from '../run/scope.ts';

/** Clones of a run's own sandbox, by its provider's own fork, for branches that begin with its workspace. */
export class ForkSource {
  readonly #scope: Scope;
  readonly #workspace: RunWorkspace;
  readonly #tree: string;
  #clones = 0;
  #over: PromiseWithResolvers<void> | undefined;
  #turn: Promise<void> = Promise.resolve();

  /** `tree` is the digest of what every clone must begin with. */
  constructor(scope: Scope, workspace: RunWorkspace, tree: string) {
    this.#scope = scope;
    this.#workspace = workspace;
    this.#tree = tree;
  }

  /**
   * A clone; nothing where the provider has no fork of live sandboxes, or where the workspace is no longer what was
   * committed or a step is about to change it. Clones are made side by side, and no step runs meanwhile.
   */
  async clone(options: ForkOptions): Promise<Sandbox | undefined> {
    // A turn of ours that is just ending keeps nobody out.
    if (this.#clones === 0) await this.#turn;
    if (this.#scope.waiting > (this.#clones === 0 ? 0 : 1)) return undefined;
    if (this.#clones === 0) {
      const over = Promise.withResolvers<void>();
      this.#over = over;
      this.#turn = this.#scope.alone(() => over.promise);
    }
    this.#clones += 1;
    try {
      return await this.#workspace.clone(this.#tree, options);
    } finally {
      this.#clones -= 1;
      if (this.#clones === 0) this.#over?.resolve();
    }
  }
}
