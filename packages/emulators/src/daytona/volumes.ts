import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { VolumeDirectories } from '../chassis/volume-directories.ts';
import { ApiError } from './api-error.ts';
import { organizationId } from './sandbox-view.ts';

/** Where a sandbox has the volumes that its paths lead to. */
export const volumesDirectory = '/workspace/.daytona-volumes';

/** One volume: a directory of this machine. */
export interface Volume {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly directory: string;
}

/** The volumes of one emulator, on this machine's disk until it is closed. */
export class Volumes {
  readonly #volumes = new Map<string, Volume>();
  readonly #directories = new VolumeDirectories();

  /** Throws the vendor's 409 for a name that is taken. */
  create(name: string): Volume {
    if (this.list().some((volume) => volume.name === name)) {
      throw new ApiError(409, `Volume with name ${name} already exists`);
    }
    const id = randomUUID();
    const directory = this.#directories.create(id);
    const volume = { id, name, directory, createdAt: Date.now() };
    this.#volumes.set(id, volume);
    return volume;
  }

  /** Throws the vendor's 404. */
  get(id: string): Volume {
    const found = this.#volumes.get(id);
    if (found) return found;
    throw new ApiError(404, `Volume with ID ${id} not found`);
  }

  /** Throws the vendor's 404. */
  byName(name: string): Volume {
    const found = this.list().find((volume) => volume.name === name);
    if (found) return found;
    throw new ApiError(404, `Volume with name ${name} not found`);
  }

  list(): readonly Volume[] {
    return [...this.#volumes.values()];
  }

  remove(id: string): void {
    const { directory } = this.get(id);
    this.#volumes.delete(id);
    rmSync(directory, { recursive: true, force: true });
  }

  close(): void {
    this.#directories.close();
  }
}

/** A volume as the API tells it. */
export function volumeView({ id, name, createdAt }: Volume): object {
  const time = new Date(createdAt).toISOString();
  return {
    ...{ id, name, organizationId, state: 'ready', createdAt: time, updatedAt: time },
    errorReason: null,
  };
}
