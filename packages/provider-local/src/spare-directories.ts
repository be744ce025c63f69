import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SandboxError } from '@gantry/core/driver';
import { agentScript, laneFiles, laneNames, ownIdentity, type Spawner } from '@gantry/core/node';
import { removeTree } from './remove-tree.ts';
import { quote } from './launch-text.ts';
import type { SandboxPaths, StateDirectory } from './state-directory.ts';

/** The directory of a sandbox to be, with everything in it that costs a process to make. */
export interface SpareDirectory {
  readonly directory: string;
  /** The lanes whose FIFOs are there. */
  readonly lanes: readonly string[];
}

/** One lane for the first command, and one for what cleans up after it where a guest has filled the disk. */
const lanesEach = 2;
/** Spares that are made at a time: one mkfifo(1) makes the FIFOs of all. */
const batch = 8;
/** With fewer spares than this, the next ones are begun. */
const low = 4;
const restMs = 100;

/** Who makes a sandbox, as the file `creator` in its directory has it: what a sweep goes by until there is a record. */
function creatorText(): string {
  const { pid, startTime } = ownIdentity();
  return `${pid}-${startTime}`;
}

/** Makes directories of sandboxes ahead, so that a create does not wait for their FIFOs. */
export class SpareDirectories {
  readonly #state: StateDirectory;
  readonly #spawner: Spawner;
  readonly #fifoMode: number;
  readonly #spares: SpareDirectory[] = [];
  #making: Promise<void> | undefined;
  #wanted = 0;
  #serial = 0;

  constructor(state: StateDirectory, spawner: Spawner, fifoMode: number) {
    this.#state = state;
    this.#spawner = spawner;
    this.#fifoMode = fifoMode;
  }

  /** Moves a spare to where a sandbox's directory belongs, and returns its lanes. */
  async take(paths: SandboxPaths): Promise<readonly string[]> {
    this.#wanted += 1;
    try {
      for (;;) {
        const spare = this.#spares.shift();
        // Its own directory may have been emptied meanwhile, by hand or by a test.
        if (spare && existsSync(spare.directory)) {
          await moveTo(spare.directory, paths.directory);
          return spare.lanes;
        }
        if (!spare) await this.#make();
      }
    } finally {
      this.#wanted -= 1;
      if (this.#spares.length < low) {
        // A little later, since now there is a sandbox to start. Whoever needs one is told why there is none.
        setTimeout(() => void this.#make().catch(() => undefined), restMs).unref();
      }
    }
  }

  #make(): Promise<void> {
    this.#making ??= this.#makeBatch().finally(() => (this.#making = undefined));
    return this.#making;
  }

  async #makeBatch(): Promise<void> {
    // The very first create waits for one only.
    const first = this.#serial === 0 && this.#wanted <= 1;
    const count = first ? 1 : Math.max(batch, Math.min(this.#wanted, 4 * batch));
    const spares = Array.from({ length: count }, () => ({
      name: `spares/${creatorText()}-${randomBytes(4).toString('hex')}`,
      lanes: laneNames(lanesEach),
    }));
    const file = `spares/${creatorText()}-make-${(this.#serial += 1)}`;
    const absolute = path.join(this.#state.path, file);
    writeFileSync(absolute, this.#text(spares));
    const code = await this.#spawner.run(file);
    if (code !== 0) {
      const message = readFileSync(`${absolute}.error`, 'utf8').trim();
      const noSpace = message.includes('No space left');
      throw new SandboxError(
        noSpace ? 'resource-exhausted' : 'unavailable',
        `the directory of a sandbox could not be made: ${message || `exit ${code}`}`,
        { outcome: 'not-started', ...(noSpace ? { details: { reason: 'no-space' } } : {}) },
      );
    }
    for (const suffix of ['', '.error']) rmSync(`${absolute}${suffix}`, { force: true });
    for (const { name, lanes } of spares) {
      this.#spares.push({ directory: path.join(this.#state.path, name), lanes });
    }
  }

  /** Shell text: three processes for a batch, and this one waits for none of its files. */
  #text(spares: readonly { readonly name: string; readonly lanes: readonly string[] }[]): string {
    const names = spares.map(({ name }) => name);
    const fifos = spares.flatMap(({ name, lanes }) => [
      ...[`${name}/go`, `${name}/time`, `${name}/report`, `${name}/control/ctl`],
      ...laneFiles(lanes).map((fifo) => `${name}/control/${fifo}`),
    ]);
    const commands = spares.flatMap(({ name, lanes }) =>
      lanes.map((lane) => `${name}/control/${lane}.x`),
    );
    return [
      'exec 2>"./$file.error"',
      // Whatever this process's umask: the sandbox's own uid has to get through, and others get as far as
      // the closed directory above.
      'umask 022',
      `mkdir ${names.flatMap((name) => [name, `${name}/control`, `${name}/workspace`]).join(' ')} || exit`,
      `agent=${quote(agentScript)}`,
      `for directory in ${names.join(' ')}; do`,
      '  printf %s "$agent" >"$directory/control/agent" || exit',
      `  echo ${creatorText()} >"$directory/creator" || exit`,
      'done',
      // A new file costs more than one that is there.
      `for file in ${commands.join(' ')}; do : >"$file" || exit; done`,
      'umask 077',
      `for directory in ${names.join(' ')}; do`,
      '  : >"$directory/launch" >"$directory/record.json.new" || exit',
      'done',
      `exec mkfifo -m ${this.#fifoMode.toString(8)} -- ${fifos.join(' ')}`,
      '',
    ].join('\n');
  }
}

/** Where there is a directory already, as of a sandbox that was suspended, only what is not the guest's is replaced. */
async function moveTo(spare: string, directory: string): Promise<void> {
  if (!existsSync(directory)) return renameSync(spare, directory);
  for (const name of ['go', 'time', 'report', 'launch', 'creator', 'control']) {
    renameSync(path.join(spare, name), path.join(directory, name));
  }
  await removeTree(spare);
}
