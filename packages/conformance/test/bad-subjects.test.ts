import { defineProvider, type Provider, type SandboxDriver } from '@gantry/core/driver';
import { expect, test } from 'vitest';
import { runConformance, type Report } from '../src/index.ts';
import { directoryDriver } from './directory-driver.ts';

// Providers as bad as they come: each is told apart from a good one, none takes the suite with it.

const minutes = 60_000;

/** A sound provider with one thing wrong. */
function spoiled(change: (driver: SandboxDriver) => Partial<SandboxDriver>): Provider {
  const driver = directoryDriver();
  return defineProvider({ ...driver, ...change(driver) });
}

function failures(report: Report): string[] {
  return report.checks.filter(({ status }) => status === 'fail').map(({ id }) => id);
}

test.each([
  ['data:text/javascript,', /is no provider module: .*exports nothing/],
  ['data:text/javascript,export const provider = 1', /export default is undefined .*provider/],
  ['data:text/javascript,throw new Error("boom")', /cannot be loaded: .*boom/],
  ['data:text/javascript,export default () => ({})', /returned \{\} instead of a provider/],
  ['data:text/javascript,export default () => { throw new Error("no key") }', /failed: .*no key/],
  ['data:text/javascript,export default async () => null', /returned null instead of a provider/],
  ['./no-such-module.mjs', /cannot be loaded/],
])('a module that is no provider: %s', async (load, message) => {
  await expect(runConformance({ subject: { load } })).rejects.toThrow(message);
});

test(
  'a create that hangs fails each check at its limit, and the run ends',
  async () => {
    const report = await runConformance({
      subject: spoiled(() => ({ create: () => new Promise(() => undefined) })),
      only: ['core/create-running', 'core/exec-argv', 'fan-out/own-state', 'terminal/undeclared'],
      timeoutScale: 0.05,
    });
    expect(failures(report)).toEqual(
      expect.arrayContaining(['core/create-running', 'core/exec-argv', 'fan-out/own-state']),
    );
    expect(report.checks.find(({ id }) => id === 'core/create-running')?.message).toMatch(
      /did not end within 1000 ms/,
    );
    expect(report.conformant).toBe(false);
  },
  2 * minutes,
);

test(
  'the same sandbox twice is noticed',
  async () => {
    let first: ReturnType<SandboxDriver['create']> | undefined;
    const report = await runConformance({
      subject: spoiled((driver) => ({
        create: (request, call) => (first ??= driver.create(request, call)),
        destroy: async () => undefined,
      })),
      only: ['core/create-unique', 'core/create-fresh', 'fan-out/own-state', 'fan-out/many'],
      timeoutScale: 0.5,
    });
    const { ref } = await (first ?? Promise.reject(new Error('nothing was created')));
    await defineProvider(directoryDriver()).destroy(ref);
    expect(failures(report)).toEqual(
      expect.arrayContaining(['core/create-unique', 'fan-out/own-state', 'core/leak-free']),
    );
  },
  2 * minutes,
);

test(
  'capabilities that are not there are noticed',
  async () => {
    const call = async (): Promise<never> => Promise.reject(new Error('not implemented'));
    const report = await runConformance({
      subject: spoiled(() => ({
        changes: { evidence: 'host-layer', mark: call, since: () => ReadableStream.from([]) },
        privilege: { modes: ['none', 'guest-root'] },
        images: {},
        root: { modes: ['read-only', 'copy-on-write'] },
        network: { modes: ['none', 'open'], live: false },
        mounts: { kinds: ['hostMount'] },
        resources: { settable: ['memoryBytes'] },
      })),
      profiles: ['changes', 'privilege', 'images', 'root', 'network', 'mounts', 'resources'],
      timeoutScale: 0.5,
    });
    const verdicts = Object.entries(report.profiles)
      .filter(([name]) => name !== 'core')
      .map(([name, { status }]) => `${name} ${status}`);
    expect(verdicts.filter((verdict) => !verdict.endsWith(' nonconformant'))).toEqual([]);
  },
  2 * minutes,
);

test(
  'traits that are not true are noticed',
  async () => {
    const report = await runConformance({
      subject: spoiled(({ traits }) => ({
        traits: { ...traits, isolation: 'microvm', kill: 'group', exit: 'shell-encoded' },
      })),
      only: ['core/trait-kill', 'core/trait-exit', 'isolation/host-files', 'isolation/processes'],
      timeoutScale: 0.5,
    });
    expect(failures(report)).toEqual(
      expect.arrayContaining([
        'core/trait-kill',
        'core/trait-exit',
        'isolation/host-files',
        'isolation/processes',
      ]),
    );
  },
  2 * minutes,
);
