import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { SandboxError } from '../errors/sandbox-error.ts';
import { coverInherited } from './inherited-descriptors.ts';

/** How a spawner is started. */
export interface SpawnerOptions {
  /** Where it works: files are named relative to it. */
  readonly directory: string;
  /** What the shell is run by, such as `unshare --mount`; nothing by default. */
  readonly prefix?: readonly string[];
  /** Shell text that is run once, in `directory`, before anything else. Its failure ends the spawner. */
  readonly prelude?: string;
}

/** A shell that ends sooner than this after it was started again is not started a third time. */
const steadyAfterMs = 10_000;

/**
 * Without job control, what a shell starts with `&` ignores SIGINT and SIGQUIT for good. So each file is
 * run in the foreground of a subshell, which it kills first: the shell then takes the next line, and the
 * file's process belongs to the system's first one, which reaps it.
 */
const loop = `
exec 9<. 2>/dev/null
while read -r verb file; do
  (
    cd -P /proc/self
    parent=\${PWD##*/}
    (
      cd -P /proc/self
      self=\${PWD##*/}
      kill -s KILL "$parent"
      # Back to the directory, which a mount may have covered by now. Nothing may inherit it.
      cd /proc/self/fd/9 && exec 9<&- || exit
      case $verb in
        start) . "./$file" ;;
        run) ( . "./$file" ); echo "$? $file" ;;
      esac
    )
    :
  )
done
`;

/**
 * A small shell that starts processes on behalf of this one. A fork of a process with a big heap takes
 * long and stops the event loop; the shell stays as small as it was. It ends with this process, however
 * that ends; what it has started goes on. A shell that is lost is replaced by the next start, unless its
 * predecessor was lost a moment ago.
 */
export class Spawner {
  readonly #options: SpawnerOptions;
  readonly #runs = new Map<string, PromiseWithResolvers<number>>();
  #child: ChildProcess | undefined;
  #lost: PromiseWithResolvers<SandboxError> = Promise.withResolvers();
  #lastLoss = -Infinity;
  /** Whether the shell that runs is in place of one that was lost. */
  #replaced = false;

  constructor(options: SpawnerOptions) {
    this.#options = options;
  }

  /**
   * Has a file of shell text run as a process that outlives this one; the text finds its id in `$self`.
   * The promise never rejects, and resolves when the shell is lost: what it had not started by then
   * never starts.
   */
  start(file: string): { readonly lost: Promise<SandboxError> } {
    this.#tell('start', file);
    return { lost: this.#lost.promise };
  }

  /** Runs a file of shell text to its end; resolves to its exit code. */
  run(file: string): Promise<number> {
    const run = Promise.withResolvers<number>();
    this.#tell('run', file);
    this.#runs.set(file, run);
    // Whoever waits for a run keeps this process alive.
    this.#child?.ref();
    return run.promise;
  }

  #tell(verb: string, file: string): void {
    if (!/^[A-Za-z0-9][A-Za-z0-9_./-]*$/.test(file)) {
      throw new SandboxError('internal', `${JSON.stringify(file)} is no file for the spawner`);
    }
    this.#running().stdin?.write(`${verb} ${file}\n`);
  }

  #running(): ChildProcess {
    if (this.#child) return this.#child;
    const { directory, prefix = [], prelude = ':' } = this.#options;
    const command = [...prefix, 'sh', '-c', `${prelude}\n${loop}`, 'gantry-spawner'] as const;
    const [program, ...args] = command;
    if (this.#replaced && performance.now() - this.#lastLoss < steadyAfterMs) {
      throw new SandboxError(
        'unavailable',
        'the shell that starts processes was lost twice within seconds; look for what ends it',
        { outcome: 'not-started' },
      );
    }
    this.#replaced = this.#lastLoss !== -Infinity;
    const child = spawn(program, args, {
      // A session of its own: what ends a terminal or a process group does not end it.
      ...{ detached: true, cwd: directory, stdio: coverInherited(['pipe', 'pipe', 'pipe']) },
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
    });
    this.#watch(child);
    return (this.#child = child);
  }

  #watch(child: ReturnType<typeof spawn>): void {
    let words = '';
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      words = `${words}${text}`.slice(-2_000);
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = `${said}${text}`.split('\n');
      said = lines.pop() ?? '';
      for (const line of lines) this.#ended(line);
    });
    const lost = (reason: string): void => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#lastLoss = performance.now();
      const error = new SandboxError(
        'unavailable',
        `the shell that starts processes ended: ${reason}`,
      );
      this.#lost.resolve(error);
      this.#lost = Promise.withResolvers();
      for (const run of this.#runs.values()) run.reject(error);
      this.#runs.clear();
    };
    child.once('error', (error) => lost(error.message));
    child.once('exit', (code, signal) => lost(words.trim() || String(signal ?? code)));
    // A write to a shell that has just ended; its end is told by `exit`.
    child.stdin?.on('error', () => undefined);
    // Nothing of it keeps this process alive.
    child.unref();
    for (const stream of [child.stdin, child.stdout, child.stderr]) {
      // Pipes of a child are sockets, whatever their type says.
      if (stream instanceof Socket) stream.unref();
    }
  }

  #ended(line: string): void {
    const [code = '', file = ''] = line.split(' ');
    this.#runs.get(file)?.resolve(Number(code));
    this.#runs.delete(file);
    if (this.#runs.size === 0) this.#child?.unref();
  }
}
