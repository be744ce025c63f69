import type { CreateOptions, Provider, Sandbox, SnapshotStore } from '@gantry/core';

/** Sandboxes that are prepared once for each identity, and made of a snapshot of the prepared workspace from then on. */
export class Templates {
  readonly #provider: Provider;
  readonly #store: SnapshotStore | undefined;
  readonly #snapshots = new Map<string, Promise<string>>();

  constructor(provider: Provider, store: SnapshotStore | undefined) {
    this.#provider = provider;
    this.#store = store;
  }

  /** A sandbox, prepared. `prepare` runs for the first of an identity where there is a store, for each one where there is none. */
  async create(
    options: CreateOptions,
    identity: string | undefined,
    prepare: (sandbox: Sandbox) => Promise<void>,
  ): Promise<Sandbox> {
    if (this.#store === undefined || identity === undefined) return this.#fresh(options, prepare);
    const known = this.#snapshots.get(identity);
    if (known !== undefined) return this.#copy(await known, this.#store, options);
    const store = this.#store;
    const made = this.#fresh(options, prepare);
    const taken = made.then(async (sandbox) => (await sandbox.snapshot(store)).id);
    this.#snapshots.set(identity, taken);
    try {
      await taken;
      return await made;
    } catch (error) {
      // The next one tries again.
      this.#snapshots.delete(identity);
      await made.then(
        (sandbox) => sandbox.destroy(),
        () => undefined,
      );
      throw error;
    }
  }

  async #fresh(
    options: CreateOptions,
    prepare: (sandbox: Sandbox) => Promise<void>,
  ): Promise<Sandbox> {
    const sandbox = await this.#provider.create(options);
    try {
      await prepare(sandbox);
    } catch (error) {
      await sandbox.destroy();
      throw error;
    }
    return sandbox;
  }

  #copy(snapshot: string, store: SnapshotStore, options: CreateOptions): Promise<Sandbox> {
    const { manifest, ...rest } = options;
    if (manifest === undefined) return this.#provider.rehydrate(snapshot, store, rest);
    // What the manifest puts in place is in the snapshot.
    const { entries: _entries, setup: _setup, ...needs } = manifest;
    return this.#provider.rehydrate(snapshot, store, { ...rest, manifest: needs });
  }
}
