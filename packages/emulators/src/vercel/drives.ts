import { rmSync } from 'node:fs';
import type { EmulatorClock } from '../chassis/clock.ts';
import { VolumeDirectories } from '../chassis/volume-directories.ts';
import { notFound } from './api-error.ts';
import { newId } from './ids.ts';

/** Where a sandbox has the drives that its paths lead to. */
export const drivesDirectory = '/workspace/.vercel-drives';

/** One drive: a directory of this machine. */
interface Drive {
  readonly id: string;
  readonly name: string;
  readonly directory: string;
  readonly maxSizeBytes: number;
  readonly createdAt: number;
}

/** The vendor's largest drive. */
const largestBytes = 2 ** 40;

/** The drives of one emulator, on this machine's disk until it is closed. Their sizes are nominal. */
export class Drives {
  readonly #clock: EmulatorClock;
  readonly #drives = new Map<string, Drive>();
  readonly #directories = new VolumeDirectories();

  constructor(clock: EmulatorClock) {
    this.#clock = clock;
  }

  getOrCreate(name: string, maxSizeBytes: number = largestBytes): Drive {
    const known = this.#drives.get(name);
    if (known) return known;
    const id = newId('drv');
    const directory = this.#directories.create(id);
    const drive = { id, name, directory, maxSizeBytes, createdAt: this.#clock.now() };
    this.#drives.set(name, drive);
    return drive;
  }

  /** Throws the vendor's 404. */
  get(name: string): Drive {
    const found = this.#drives.get(name);
    if (found) return found;
    throw notFound(`Drive ${name}`);
  }

  list(): readonly Drive[] {
    return [...this.#drives.values()];
  }

  remove(name: string): Drive {
    const found = this.get(name);
    this.#drives.delete(name);
    rmSync(found.directory, { recursive: true, force: true });
    return found;
  }

  close(): void {
    this.#directories.close();
  }
}

/** A drive as the vendor shows it. */
export function driveView({ directory: _directory, ...drive }: Drive, projectId: string): object {
  return { ...drive, projectId, region: 'iad1', updatedAt: drive.createdAt };
}
