import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import {
  directoryWith,
  gantry,
  gantryJson,
  type GantryResult,
  sandboxesLabelled,
  shows,
} from './gantry.ts';

const job = (label: string): string => `
import { appendFileSync } from 'node:fs';
export const name = 'count';
export const options = { sandbox: { labels: { 'cli-test': '${label}' } } };
export const policy = { rules: [{ action: 'ask', command: 'publish *' }] };
export default async (run) => {
  const { wait, ask } = run.input ?? {};
  for (const name of ['one', 'two']) {
    await run.step(name, async () => {
      appendFileSync(new URL('ran', import.meta.url), name + '\\n');
      await run.sandbox.exec('echo ' + name + ' >> log');
    });
  }
  if (wait) await run.step('wait', async ({ attempt, signal }) => {
    if (attempt > 1) return;
    process.stderr.write('waiting\\n');
    await run.sandbox.exec('sleep 600', { signal });
  });
  if (ask) await run.step('publish', async () => { await run.sandbox.exec('publish it'); });
  return run.step('read', () => run.sandbox.files.readText('log'));
};
`;

interface Place {
  readonly cwd: string;
  readonly label: string;
  readonly run: (
    args: readonly string[],
    more?: Parameters<typeof gantry>[1],
  ) => Promise<GantryResult>;
}

/** A directory with a job, in which gantry keeps its state. */
async function place(): Promise<Place> {
  const label = randomUUID();
  const cwd = await directoryWith({ 'job.mjs': job(label) });
  const env = {
    XDG_STATE_HOME: path.join(cwd, 'state'),
    XDG_CONFIG_HOME: path.join(cwd, 'config'),
  };
  return { cwd, label, run: (args, more = {}) => gantry(args, { ...more, cwd, env }) };
}

const ranIn = async ({ cwd }: Place): Promise<string> => readFile(path.join(cwd, 'ran'), 'utf8');

test('a module is a durable run: its result, its list, its timeline, its proof', async () => {
  const here = await place();
  const first = await here.run(['run', 'job.mjs', '--id', 'one', '--json']);
  expect(first).toMatchObject({ code: 0 });
  expect(JSON.parse(first.text)).toEqual({ run: 'one', status: 'finished', value: 'one\ntwo\n' });
  const again = await here.run(['run', 'job.mjs', '--id', 'one']);
  expect(JSON.parse(again.text)).toBe('one\ntwo\n');
  expect(await ranIn(here)).toBe('one\ntwo\n');
  expect((await here.run(['runs'])).text).toMatch(/^one +count +finished /m);
  const timeline = (await here.run(['watch', 'one'])).text;
  expect(timeline).toMatch(/ step\.recorded +one$/m);
  expect(timeline).toMatch(/ checkpoint +.* tree [0-9a-f]{12}$/m);
  expect(await here.run(['provenance', 'verify', 'one'])).toMatchObject({
    code: 0,
    text: expect.stringMatching(/^verified: \d+ events/) as string,
  });
  const statement = await here.run(['provenance', 'export', 'one', '--format', 'intoto']);
  expect(JSON.parse(statement.text)).toMatchObject({ _type: 'https://in-toto.io/Statement/v1' });
  expect(await here.run(['erase', 'one'])).toMatchObject({ code: 0 });
  expect((await here.run(['provenance', 'verify', 'one'])).text).toMatch(/bodies erased/);
  // Without the key that signed it nothing vouches for it.
  await rm(path.join(here.cwd, 'config'), { recursive: true });
  expect((await here.run(['provenance', 'verify', 'one'])).code).toBe(1);
  expect(await sandboxesLabelled(here.label)).toEqual([]);
});

test('a killed run is resumed where it was, and what it left is reaped', async () => {
  const here = await place();
  const killed = await here.run(['run', 'job.mjs', '--id', 'two', '--input', '{"wait":true}'], {
    async during(running) {
      await shows(running, 'waiting');
      running.kill('SIGKILL');
    },
  });
  expect(killed.signal).toBe('SIGKILL');
  expect((await here.run(['runs'])).text).toMatch(/^two +count /m);
  const resumed = await here.run(['resume', 'two', 'job.mjs', '--json']);
  expect(resumed.code, resumed.stderr).toBe(0);
  expect(JSON.parse(resumed.text)).toMatchObject({ status: 'finished', value: 'one\ntwo\n' });
  expect(await ranIn(here)).toBe('one\ntwo\n');
  const reaped = await here.run(['reap', '--json']);
  expect(JSON.parse(reaped.text)).toMatchObject({ failed: [] });
  expect(await sandboxesLabelled(here.label)).toEqual([]);
});

test('a run that asks is suspended until it is answered', async () => {
  const here = await place();
  const asked = await here.run(['run', 'job.mjs', '--id', 'three', '--input', '{"ask":true}']);
  expect(asked.code).toBe(75);
  expect(asked.stderr).toMatch(/asks [0-9a-f]{16}: command publish it/);
  const [, ask = ''] = /asks ([0-9a-f]{16})/.exec(asked.stderr) ?? [];
  expect((await here.run(['approve', 'three'])).stderr).toContain(ask);
  expect((await here.run(['approve', 'three', ask, '--note', 'fine'])).code).toBe(0);
  expect(await here.run(['resume', 'three', 'job.mjs'])).toMatchObject({
    code: 0,
    text: '"one\\ntwo\\n"\n',
  });
  expect(await sandboxesLabelled(here.label)).toEqual([]);
});

test('what is wrong with a module, a run or its input is said', async () => {
  const here = await place();
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['run', 'nowhere.mjs'], /there is no module .*nowhere\.mjs/],
    [['run', 'job.mjs', '--input', '{'], /--input is not JSON/],
    [['resume', 'no-such', 'job.mjs'], /there is no run no-such/],
    [['provenance', 'verify', 'no-such'], /there is no run no-such/],
  ];
  for (const [args, message] of cases) {
    expect(await here.run(args), args.join(' ')).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(message) as string,
    });
  }
  const { json } = await gantryJson<{ error: { code: string } }>(['watch', 'no-such', '--json'], {
    cwd: here.cwd,
    env: {
      GANTRY_STATE: path.join(here.cwd, 'state'),
      XDG_CONFIG_HOME: path.join(here.cwd, 'config'),
    },
  });
  expect(json.error.code).toBe('not-found');
});
