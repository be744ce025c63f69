import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { SandboxError } from '@gantry/core/driver';
import { hostProcess } from '@gantry/core/node';

/** How long a new keeper may take to answer. */
const answerMs = 60_000;

/** What the keeper is told, one JSON document to a line: first which daemon, then which containers. */
export type KeeperOrder =
  | { readonly host: string | null }
  | { readonly container: string; readonly expiresAt: number };

/** What it answers to each order. */
export type KeeperAnswer = { readonly ok: true } | { readonly problem: string };

interface Link {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  readonly waiting: PromiseWithResolvers<void>[];
}

/**
 * Ends sandboxes in time that cannot do it themselves: suspended ones, and those whose guest may signal every process
 * in them. It is a process of its own, started with the first of them; it outlives this one, and ends with the
 * last of them.
 */
export class Keeper {
  readonly #host: string | undefined;
  #link: Promise<Link> | undefined;

  /** `host` is that of the provider's options: the keeper looks up the daemon's address as this process did. */
  constructor(host: string | undefined) {
    this.#host = host;
  }

  /** Resolves once the keeper will remove the container at that time, in milliseconds since the Unix epoch. */
  async keep(container: string, expiresAt: number): Promise<void> {
    this.#link ??= this.#start();
    const link = await this.#link.catch((error: unknown) => {
      this.#link = undefined;
      throw error;
    });
    await ask(link, { container, expiresAt });
  }

  async #start(): Promise<Link> {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const child = spawn(
      process.execPath,
      [hostProcess.siblingScript(import.meta.url, 'keeper-main')],
      {
        ...{ cwd: '/', detached: true, env },
        stdio: ['pipe', 'pipe', 'ignore'],
      },
    );
    const waiting: PromiseWithResolvers<void>[] = [];
    const gone = (cause?: Error): void => {
      this.#link = undefined;
      const lost = new SandboxError('internal', 'the keeper of sandboxes ended without an answer', {
        cause,
      });
      for (const { reject } of waiting.splice(0)) reject(lost);
    };
    child.once('error', gone).once('exit', () => gone());
    // Written to after its end: its exit says it.
    child.stdin.on('error', () => undefined);
    createInterface({ input: child.stdout }).on('line', (line) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the other side is this package's own program
      const answer = JSON.parse(line) as KeeperAnswer;
      const next = waiting.shift();
      if ('ok' in answer) next?.resolve();
      else
        next?.reject(new SandboxError('unavailable', answer.problem, { outcome: 'not-started' }));
    });
    const link = { child, waiting };
    try {
      await ask(link, { host: this.#host ?? null });
    } catch (error) {
      child.kill();
      throw error;
    }
    return link;
  }
}

/** Holds this process only while it waits for the answer. */
async function ask({ child, waiting }: Link, order: KeeperOrder): Promise<void> {
  const answer = Promise.withResolvers<void>();
  waiting.push(answer);
  hold(child, true);
  const late = setTimeout(() => child.kill('SIGKILL'), answerMs);
  child.stdin.write(`${JSON.stringify(order)}\n`);
  try {
    await answer.promise;
  } finally {
    clearTimeout(late);
    if (waiting.length === 0) hold(child, false);
  }
}

function hold(child: Link['child'], held: boolean): void {
  const pipes = [child.stdin, child.stdout].filter((pipe) => pipe instanceof Socket);
  for (const part of [child, ...pipes]) {
    if (held) part.ref();
    else part.unref();
  }
}
