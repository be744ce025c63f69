import { rmSync } from 'node:fs';
import path from 'node:path';
import type { CreateOptions, ManifestEntry, Provider, Sandbox } from '@gantry/core';
import { linkVolume, VolumeDirectories } from '../../chassis/volume-directories.ts';
import { ApiError, unsupported } from '../api-error.ts';
import { newId, newToken } from '../e2b-sandbox.ts';

/** A directory that outlives the sandboxes which it is mounted into. */
export interface Volume {
  readonly id: string;
  readonly name: string;
  /** What the routes of its contents ask for. */
  readonly token: string;
  readonly directory: string;
}

/** Where a sandbox has its volumes; the vendor's paths are links to here. */
const mountsInGuest = 'volumes';

/** The volumes of one emulator, on this machine's disk until it is closed. */
export class Volumes {
  readonly #provider: Provider;
  readonly #volumes = new Map<string, Volume>();
  readonly #holders = new Map<string, Promise<Sandbox>>();
  readonly #directories = new VolumeDirectories();

  constructor(provider: Provider) {
    this.#provider = provider;
  }

  create(name: string): Volume {
    if (!this.#provider.capabilities.mounts?.kinds.includes('hostMount')) {
      throw unsupported(`provider ${this.#provider.id} has no mounts for volumes`);
    }
    if (this.list().some((volume) => volume.name === name)) {
      throw new ApiError(409, `Volume with name '${name}' already exists`);
    }
    const id = newId();
    const volume = { id, name, token: newToken(), directory: this.#directories.create(id) };
    this.#volumes.set(id, volume);
    return volume;
  }

  get(id: string): Volume | undefined {
    return this.#volumes.get(id);
  }

  list(): readonly Volume[] {
    return [...this.#volumes.values()];
  }

  /** What a sandbox's manifest says to have these volumes. Throws the vendor's 404 for a name that is none of them. */
  mounts(names: readonly string[]): Record<string, ManifestEntry> {
    return Object.fromEntries(
      names.map((name) => {
        const found = this.list().find((volume) => volume.name === name);
        if (!found) throw new ApiError(404, `Volume '${name}' not found`);
        const { id, directory } = found;
        return [
          `${mountsInGuest}/${id}`,
          { type: 'hostMount', source: directory, writable: true },
        ] as const;
      }),
    );
  }

  /** Puts volumes where the vendor's client wants them. */
  async link(
    sandbox: Sandbox,
    wanted: readonly { readonly name: string; readonly path: string }[],
  ): Promise<void> {
    for (const { name, path: place } of wanted) {
      const { id = '' } = this.list().find((volume) => volume.name === name) ?? {};
      const problem = await linkVolume(sandbox, `/workspace/${mountsInGuest}/${id}`, place);
      if (problem !== undefined) {
        throw new ApiError(400, `volume ${name} cannot be mounted: ${problem}`);
      }
    }
  }

  /** A sandbox of the volume's own, in which its contents are looked at with a guest's rights and inside of its walls. */
  holder(volume: Volume): Promise<Sandbox> {
    const known = this.#holders.get(volume.id);
    if (known) return known;
    const options: CreateOptions = {
      manifest: {
        spec: 'gantry-manifest/1',
        root: 'copy-on-write',
        entries: this.mounts([volume.name]),
        labels: { 'gantry-emulator': 'e2b' },
      },
      maxLifetimeMs: 24 * 60 * 60 * 1000,
    };
    const made = this.#provider.create(options);
    this.#holders.set(volume.id, made);
    made.catch(() => this.#holders.delete(volume.id)); // Whoever asked is told; the next one tries again.
    return made;
  }

  /** The path in its holder of what a client calls by that path in the volume. */
  inHolder({ id }: Volume, given: string): string {
    const inside = path.posix.resolve('/', given);
    return `/workspace/${mountsInGuest}/${id}${inside === '/' ? '' : inside}`;
  }

  async remove(id: string): Promise<boolean> {
    const volume = this.#volumes.get(id);
    if (!volume) return false;
    this.#volumes.delete(id);
    await this.#endHolder(id);
    rmSync(volume.directory, { recursive: true, force: true });
    return true;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#holders.keys()].map((id) => this.#endHolder(id)));
    this.#directories.close();
  }

  async #endHolder(id: string): Promise<void> {
    const holder = this.#holders.get(id);
    this.#holders.delete(id);
    // One that could not be made has left nothing.
    const sandbox = await holder?.catch(() => undefined);
    await sandbox?.destroy();
  }
}
