import { mkdirSync, mkdtempSync, chmodSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { local } from '../src/index.ts';
import { isRoot } from './scenario.ts';
import { scenarios } from './scenarios.ts';

let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(path.join(os.tmpdir(), 'gantry-local-'));
  chmodSync(scratch, 0o755);
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe(`local sandboxes, made by ${isRoot ? 'root' : 'an ordinary user'}`, () => {
  test.each(scenarios)('$name', async ({ name, run }) => {
    const directory = path.join(scratch, String(scenarios.findIndex((one) => one.name === name)));
    mkdirSync(directory);
    const stateDirectory = path.join(directory, 'state');
    const held = run({ provider: local({ stateDirectory }), stateDirectory, scratch: directory });
    await expect(held).resolves.toBeUndefined();
  });
});
