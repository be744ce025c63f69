import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bin } from './gantry.ts';

const hook = path.join(import.meta.dirname, 'fixtures', 'loaded-modules.ts');
let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(path.join(os.tmpdir(), 'gantry-start-up-'));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The modules that a run of gantry loads, Node's own aside. */
function modulesOf(args: readonly string[]): readonly string[] {
  const file = path.join(scratch, 'modules');
  const env = { ...process.env, LOADED_MODULES: file };
  spawnSync(process.execPath, ['--import', hook, bin, ...args], { stdio: 'ignore', env });
  return readFileSync(file, 'utf8').split('\n');
}

// What a start costs is what it loads. Time itself is for the benchmarks: here, other programs run too.
test.each([['--version'], ['--help'], ['exec', '--no-such-option']])(
  'gantry %s loads its own few modules and the parser of its options, no library and no provider',
  (...args) => {
    const modules = modulesOf(args);
    const foreign = modules.filter((url) => !url.includes('/packages/cli/'));
    expect(foreign.filter((url) => !url.includes('/node_modules/commander/'))).toEqual([]);
    expect(modules.length - foreign.length).toBeLessThanOrEqual(40);
    expect(foreign.length).toBeLessThanOrEqual(8);
  },
);

test('a command that needs the library loads it', () => {
  expect(modulesOf(['ls']).some((url) => url.includes('/packages/core/'))).toBe(true);
});
