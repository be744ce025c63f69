import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { directoryWith, gantry, gantryJson } from './gantry.ts';

const header = 'spec: gantry-manifest/1\n';

test('check accepts a good manifest and prints its digest', async () => {
  const cwd = await directoryWith({
    'job.yaml': `${header}entries:\n  a.txt: {type: file, text: hi}\n`,
  });
  const { code, text, stderr } = await gantry(['manifest', 'check', 'job.yaml'], { cwd });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(text).toMatch(/^job\.yaml: ok, sha256:[0-9a-f]{64}\n$/);
});

const entry = '{type: file, text: a}';
test.each([
  ['unknown key', `${header}nmae: a\n`, /bad\.yaml:2:1: nmae: unknown key/],
  [
    'climbing path',
    `${header}entries:\n  ../a: ${entry}\n`,
    /bad\.yaml:3:3: entries\["\.\.\/a"\]: /,
  ],
  [
    'absolute path',
    `${header}entries:\n  /etc/a: ${entry}\n`,
    /bad\.yaml:3:3: entries\["\/etc\/a"\]: /,
  ],
  ['duplicate path', `${header}entries:\n  a: ${entry}\n  a: ${entry}\n`, /bad\.yaml:4:3: /],
  ['not YAML', `${header}entries: [\n`, /bad\.yaml:\d+:\d+: /],
  [
    'large inline file',
    `${header}entries:\n  a: {type: file, text: ${'x'.repeat(10_000_000)}}\n`,
    /bad\.yaml:3:\d+: .*(MiB|bytes)/,
  ],
])('a bad manifest is refused with its place: %s', async (_kind, text, message) => {
  const cwd = await directoryWith({ 'bad.yaml': text });
  const check = await gantry(['manifest', 'check', 'bad.yaml'], { cwd });
  expect({ code: check.code, text: check.text }).toEqual({ code: 1, text: '' });
  expect(check.stderr).toMatch(message);
  expect(check.stderr.length).toBeLessThan(2_000);
  const run = await gantry(['run', 'bad.yaml', '--', 'true'], { cwd });
  expect(run.code).toBe(125);
  expect(run.stderr).toMatch(message);
});

test('--json of a refused manifest has line and column as data', async () => {
  const cwd = await directoryWith({ 'bad.yaml': `${header}nmae: a\n` });
  const { code, json, stderr } = await gantryJson<{ error: { details: { problems: object[] } } }>(
    ['manifest', 'check', '--json', 'bad.yaml'],
    { cwd },
  );
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(json.error.details.problems).toMatchObject([{ line: 2, column: 1, path: ['nmae'] }]);
});

test('a manifest that is not there is an error of gantry', async () => {
  const { code, stderr } = await gantry(['manifest', 'check', 'no-such.yaml']);
  expect(code).toBe(125);
  expect(stderr).toMatch(/^gantry: no-such\.yaml: there is no such file\n/);
});

test('plan shows what would be done, and creates nothing', async () => {
  const manifest = `${header}entries:\n  a.txt: {type: file, text: hi}\n  out: {type: output}\n`;
  const cwd = await directoryWith({ 'job.yaml': manifest });
  const { code, text } = await gantry(['manifest', 'plan', 'job.yaml'], { cwd });
  expect(code).toBe(0);
  expect(text).toMatch(/^plan [0-9a-f]{64}\n/);
  expect(text).toContain('a.txt (file) 1 file, 2 bytes');
  expect((await gantry(['run', 'job.yaml', '--plan'], { cwd })).text).toBe(text);
});

test('plan is 1 and says so when the provider would refuse a part', async () => {
  const manifest = `${header}entries:\n  data: {type: s3, bucket: records}\n`;
  const cwd = await directoryWith({ 'job.yaml': manifest });
  const { code, json } = await gantryJson<{ plan: { refused: object[] } }>(
    ['manifest', 'plan', 'job.yaml', '--json'],
    { cwd },
  );
  expect(code).toBe(1);
  expect(json.plan.refused).toMatchObject([{ path: 'data' }]);
  const run = await gantry(['run', 'job.yaml', '--', 'true'], { cwd });
  expect(run.code).toBe(125);
  expect(run.stderr).toContain('data: ');
});

test('schema prints the published JSON Schema', async () => {
  const { code, text } = await gantry(['manifest', 'schema']);
  expect(code).toBe(0);
  const published = path.join(import.meta.dirname, '../../core/manifest.schema.json');
  expect(text).toBe(await readFile(published, 'utf8'));
  expect(JSON.parse(text)).toHaveProperty('properties.entries');
});
