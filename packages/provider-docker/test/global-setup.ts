import Dockerode from 'dockerode';
import type { TestProject } from 'vitest/node';
import { startDaemon } from './private-daemon.ts';
import { buildImages, tagDefaultImage } from './test-images.ts';

/** Where the daemon of this run of the tests is, or why there is none. */
export type DaemonOfRun = { readonly host: string } | { readonly problem: string };

declare module 'vitest' {
  interface ProvidedContext {
    readonly docker: DaemonOfRun;
  }
}

interface Opened {
  readonly found: DaemonOfRun;
  readonly end: () => Promise<void>;
}

interface Shared {
  users: number;
  readonly daemon: Promise<Opened>;
}

// Several projects use this set-up, each with a copy of this module: the daemon is kept where all of them see it.
const shared: { [key: symbol]: Shared | undefined } = globalThis;
const key = Symbol.for('gantry.test.docker');

/**
 * One daemon for all tests of a run: the one that `GANTRY_TEST_DOCKER` names (`unix:///path`), else a private one. Why
 * there is none is told by each test that needs it.
 */
export default async function setUp({
  provide,
}: Pick<TestProject, 'provide'>): Promise<() => Promise<void>> {
  const own = (shared[key] ??= { users: 0, daemon: open() });
  own.users += 1;
  const { found, end } = await own.daemon;
  provide('docker', found);
  return async () => {
    own.users -= 1;
    if (own.users === 0) await end();
  };
}

async function open(): Promise<Opened> {
  const given = process.env['GANTRY_TEST_DOCKER'];
  try {
    if (given !== undefined) {
      await buildImages(new Dockerode({ socketPath: given.replace('unix://', '') }));
      return { found: { host: given }, end: () => Promise.resolve() };
    }
    const daemon = await startDaemon();
    const end = (): Promise<void> => Promise.resolve(daemon[Symbol.asyncDispose]());
    try {
      await buildImages(daemon.client);
      await tagDefaultImage(daemon.client);
    } catch (error) {
      await end();
      throw error;
    }
    return { found: { host: daemon.host }, end };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { found: { problem }, end: () => Promise.resolve() };
  }
}
