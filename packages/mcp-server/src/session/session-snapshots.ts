import { type Snapshot, SandboxError } from '@gantry/core';

/** The snapshots that one session took. Those of others are not there for it. */
export class SessionSnapshots {
  readonly #taken = new Map<string, { readonly snapshot: Snapshot; readonly sandbox: string }>();

  /** Remembers one. */
  add(snapshot: Snapshot, sandbox: string): void {
    this.#taken.set(snapshot.id, { snapshot, sandbox });
  }

  /** All, the oldest first. */
  list(): readonly { readonly snapshot: Snapshot; readonly sandbox: string }[] {
    return [...this.#taken.values()];
  }

  /** The id that a text begins. Throws `not-found` where it begins none or several. */
  find(given: string): string {
    const found = [...this.#taken.keys()].filter((id) => id.startsWith(given.toLowerCase()));
    const [id] = found;
    if (id !== undefined && found.length === 1) return id;
    throw new SandboxError(
      'not-found',
      `${found.length === 0 ? 'no snapshot' : `${found.length} snapshots`} of this session begin with ${JSON.stringify(given)}; snapshot_list names them`,
    );
  }
}
