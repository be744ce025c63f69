import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SandboxError } from '@gantry/core/driver';
import { agentScript, hostProcess, lanes, type Spawner } from '@gantry/core/node';
import { prepareOverlaid, type OverlaidRoot, overlaidText } from './copy-on-write/overlaid-root.ts';
import { openWorkDirectories } from './copy-on-write/overlay.ts';
import type { CgroupDirectory } from './limits/find-cgroups.ts';
import { hostLimits } from './limits/plan-limits.ts';
import {
  cgroupsFor,
  joinFiles,
  removeCgroups,
  removeCgroupsNow,
} from './limits/sandbox-cgroups.ts';
import { Launcher } from './launcher.ts';
import { keepersText, quote } from './launch-text.ts';
import { removeTree } from './remove-tree.ts';
import { freeUid, reserveUid } from './sandbox-uid.ts';
import type { StateDirectory } from './state-directory.ts';

/** The directory of a sandbox to be, with everything in it that costs a process to make, and its keeper. */
export interface Spare {
  readonly name: string;
  readonly directory: string;
  /** The lanes whose FIFOs are there. */
  readonly lanes: readonly string[];
  /** Made, without limits yet; the sandbox will be in them. */
  readonly cgroups: readonly CgroupDirectory[];
  readonly launcher: Launcher;
  readonly overlaid?: OverlaidRoot;
}

/** How a maker's spares are made. */
export interface SpareMakerOptions {
  readonly state: StateDirectory;
  /** Makes directories. */
  readonly plain: Spawner;
  /** Starts keepers, which see what it sees. */
  readonly keepers: Spawner;
  readonly fifoMode: number;
  /** Whether each has a uid, and a writable root over the host's programs that is mounted already. */
  readonly overlaid: boolean;
}

type Unstarted = Omit<Spare, 'launcher'>;

/** One lane for the first command, and one for what cleans up after it where a guest has filled the disk. */
const lanesEach = 2;

let serial = 0;

/** Makes directories of sandboxes to be. */
export class SpareMaker {
  readonly #options: SpareMakerOptions;

  constructor(options: SpareMakerOptions) {
    this.#options = options;
  }

  /** Makes so many spares, all or none. Their keepers end with this process. */
  async make(count: number): Promise<Spare[]> {
    const { state, overlaid } = this.#options;
    const found = hostLimits().cgroups;
    const begun: Unstarted[] = [];
    const spares: Spare[] = [];
    try {
      // A turn for each: other work goes on in between.
      for (let index = 0; index < count; index += 1) {
        if (index > 0) await nextTurn();
        begun.push(this.#begin(found));
      }
      await this.#run(this.#options.plain, this.#filesText(begun));
      for (const [index, spare] of begun.entries()) {
        if (index > 0) await nextTurn();
        const launcher = new Launcher(spare.directory);
        if (!overlaid) {
          spares.push({ ...spare, launcher });
          continue;
        }
        const uid = reserveUid(state, spare.name);
        spares.push({
          ...spare,
          launcher,
          overlaid: prepareOverlaid(spare.directory, index, uid),
        });
      }
      await this.#run(this.#options.keepers, this.#keepersText(spares));
      return spares;
    } catch (error) {
      // What this leaves is swept once this process has ended; the first error is the one to tell.
      await Promise.allSettled(
        begun.map((spare) => this.#remove(spares.find(({ name }) => name === spare.name) ?? spare)),
      );
      throw error;
    }
  }

  /** Removes spares that nobody has taken, at the end of this process. What is left of them is swept. */
  clear(spares: readonly Spare[]): void {
    if (!removeCgroupsNow(spares.flatMap(({ cgroups }) => cgroups))) return;
    for (const { directory, name, overlaid } of spares) {
      openWorkDirectories(directory);
      rmSync(directory, { recursive: true, force: true });
      if (overlaid) freeUid(this.#options.state, overlaid.uid, (id) => id === name);
    }
  }

  /** Removes a spare that nobody has taken. */
  async discard(spare: Spare): Promise<void> {
    await spare.launcher.abandon();
    await this.#remove(spare);
  }

  async #remove({ cgroups, directory, overlaid, name }: Unstarted): Promise<void> {
    await removeCgroups(cgroups);
    await removeTree(directory);
    if (overlaid) freeUid(this.#options.state, overlaid.uid, (id) => id === name);
  }

  #begin(found: readonly CgroupDirectory[]): Unstarted {
    const { pid, startTime } = hostProcess.ownIdentity();
    const name = `${pid}-${startTime}-${randomBytes(4).toString('hex')}`;
    const directory = path.join(this.#options.state.path, 'spares', name);
    const cgroups = cgroupsFor(name, found);
    mkdirSync(directory);
    // Whatever this process's umask: the sandbox's own uid has to get through, and others get as far as
    // the closed directory above.
    chmodSync(directory, 0o755);
    // Before anything is made that a sweep could not find otherwise.
    const lines = [name, ...cgroups.map((cgroup) => cgroup.path)];
    writeFileSync(path.join(directory, 'creator'), `${lines.join('\n')}\n`, { mode: 0o600 });
    return { name, directory, lanes: lanes.names(lanesEach), cgroups };
  }

  /** Shell text: three processes for a batch. */
  #filesText(spares: readonly Unstarted[]): string {
    const inAll = (files: (spare: Unstarted) => readonly string[]): string =>
      spares
        .flatMap((spare) => files(spare).map((file) => `spares/${spare.name}/${file}`))
        .join(' ');
    const groups = spares.flatMap(({ cgroups }) => cgroups.map((cgroup) => quote(cgroup.path)));
    return [
      'umask 022',
      `mkdir ${inAll(() => ['control', 'workspace'])} ${groups.join(' ')} || exit`,
      `agent=${quote(agentScript)}`,
      `for file in ${inAll(() => ['control/agent'])}; do`,
      '  printf %s "$agent" >"$file" || exit',
      'done',
      // A new file costs more than one that is there.
      `for file in ${inAll((spare) => spare.lanes.map((lane) => `control/${lane}.x`))}; do`,
      `  printf %${lanes.commandBytes}s '' >"$file" || exit`,
      'done',
      'umask 077',
      `for file in ${inAll(() => ['launch', 'record.json.new'])}; do : >"$file" || exit; done`,
      `exec mkfifo -m ${this.#options.fifoMode.toString(8)} -- ${inAll((spare) => [
        ...['go', 'time', 'report', 'control/ctl'],
        ...lanes.files(spare.lanes).map((fifo) => `control/${fifo}`),
      ])}`,
      '',
    ].join('\n');
  }

  #keepersText(spares: readonly Spare[]): string {
    const text = keepersText(
      spares.map(({ name, cgroups }) => ({
        directory: `spares/${name}`,
        join: joinFiles(cgroups),
      })),
    );
    return this.#options.overlaid ? overlaidText(spares, text) : text;
  }

  async #run(spawner: Spawner, text: string): Promise<void> {
    const { pid, startTime } = hostProcess.ownIdentity();
    const file = `spares/${pid}-${startTime}-make-${(serial += 1)}`;
    const absolute = path.join(this.#options.state.path, file);
    writeFileSync(absolute, `exec 2>"./$file.error"\n${text}`);
    const code = await spawner.run(file);
    if (code !== 0) {
      const errors = `${absolute}.error`;
      const message = existsSync(errors) ? readFileSync(errors, 'utf8').trim() : '';
      // On a full disk there may be no room for the complaint either.
      const isFull = message === '' && statfsSync(this.#options.state.path).bavail === 0;
      const noSpace = isFull || message.includes('No space left');
      throw new SandboxError(
        noSpace ? 'resource-exhausted' : 'unavailable',
        `the directory of a sandbox could not be made: ${message || `exit ${code}`}`,
        { outcome: 'not-started', ...(noSpace ? { details: { reason: 'no-space' } } : {}) },
      );
    }
    for (const suffix of ['', '.error', '.table']) rmSync(`${absolute}${suffix}`, { force: true });
  }
}
