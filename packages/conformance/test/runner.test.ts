import { describe, expect, test } from 'vitest';
import {
  runConformance,
  toBadge,
  toHtml,
  toJUnit,
  type Check,
  type CheckReport,
  type ConformanceOptions,
  type Report,
} from '../src/index.ts';
import directory from './directory-subject.ts';

const subject = directory();

function check(id: Check['id'], run: Check['run'], rest: Partial<Check> = {}): Check {
  return { id, level: 'must', title: `title of ${id}`, spec: 'ref-json', run, ...rest };
}

async function run(
  checks: readonly Check[],
  options: Partial<ConformanceOptions> = {},
): Promise<Report> {
  return runConformance({ subject, checks, ...options });
}

async function one(made: Check, options: Partial<ConformanceOptions> = {}): Promise<CheckReport> {
  const [result] = (await run([made], options)).checks;
  if (!result) throw new Error('no result');
  return result;
}

describe('statuses', () => {
  test.each<[string, Check['run'], string, RegExp | undefined]>([
    ['an assertion that holds', async (t) => t.equal(1, 1, 'one'), 'pass', undefined],
    [
      'an assertion that does not',
      async (t) => t.equal(1, 2, 'one'),
      'fail',
      /one: expected 2, found 1/,
    ],
    ['nothing asserted', async () => undefined, 'error', /asserted nothing/],
    [
      'whatever a provider throws',
      async () => {
        throw new TypeError('a bug');
      },
      'fail',
      /a bug/,
    ],
    [
      'a throw of no error',
      () => {
        // oxlint-disable-next-line typescript/only-throw-error -- providers throw anything
        throw 'text';
      },
      'fail',
      /text/,
    ],
    ['a missing prerequisite', async (t) => t.untestable('no tool'), 'untestable', /no tool/],
    [
      'a create that was refused',
      async (t) => void (await t.rejects('not-found', () => t.create(), 'create')),
      'fail',
      /but it resolved/,
    ],
  ])('%s', async (_what, body, status, message) => {
    const result = await one(check('a/b', body));
    expect(result.status).toBe(status);
    expect(result.message ?? '').toMatch(message ?? /^$/);
  });

  test('a check that never ends fails at its limit', async () => {
    const never = check('a/b', () => new Promise(() => undefined));
    expect(await one(never, { timeoutScale: 0.01 })).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('did not end within 200 ms') as string,
    });
  });

  test('a live provider is untestable from another process', async () => {
    const far = check('a/b', async (t) => t.ok(true, 'x'), { needs: { otherProcess: true } });
    expect((await one(far)).status).toBe('untestable');
  });

  test('undeclared is unsupported only when the twin proves it', async () => {
    const needy = check('a/works', async (t) => t.ok(true, 'x'), {
      needs: { capability: 'images' },
    });
    const good = check('a/undeclared', async (t) => t.ok(true, 'x'), { twin: true });
    const bad = check('a/undeclared', async (t) => t.ok(false, 'it pretends'), { twin: true });
    const statuses = async (twin: Check): Promise<string[]> =>
      (await run([twin, needy])).checks.map(({ status }) => status);
    expect(await statuses(good)).toEqual(['pass', 'unsupported']);
    expect(await statuses(bad)).toEqual(['fail', 'fail']);
    expect((await one(needy)).status).toBe('error');
  });
});

describe('the run', () => {
  const good = check('a/good', async (t) => t.ok(true, 'x'));
  const bad = check('a/bad', async (t) => t.ok(false, 'broken'));

  test('refuses an empty selection, duplicates and unknown names', async () => {
    await expect(run([])).rejects.toThrow('no check');
    await expect(run([good, good])).rejects.toThrow('two checks have the id a/good');
    await expect(run([good], { only: ['a/none'] })).rejects.toThrow('no such check: a/none');
    await expect(run([good], { profiles: ['b'] })).rejects.toThrow('no such profile: b');
    await expect(run([good], { knownFailures: { 'a/none': 'why' } })).rejects.toThrow('a/none');
    await expect(run([good], { concurrency: 0 })).rejects.toThrow('concurrency');
  });

  test('judges each profile', async () => {
    const lesser = check('b/should', async (t) => t.ok(false, 'x'), { level: 'should' });
    const { profiles, conformant } = await run([
      good,
      bad,
      lesser,
      check('c/good', async (t) => t.ok(true, 'x')),
    ]);
    expect(Object.entries(profiles).map(([name, { status }]) => [name, status])).toEqual([
      ['a', 'nonconformant'],
      ['b', 'partial'],
      ['c', 'conformant'],
    ]);
    expect(conformant).toBe(false);
    expect((await run([good, bad], { only: ['a/good'] })).profiles['a']?.status).toBe('partial');
  });

  test('known failures are strict and never conformant', async () => {
    const listed = await run([good, bad], { knownFailures: { 'a/bad': 'being worked on' } });
    expect([listed.profiles['a']?.status, listed.conformant]).toEqual(['partial', false]);
    const repaired = await run([good], { knownFailures: { 'a/good': 'old' } });
    expect(repaired.checks[0]).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('take it off') as string,
    });
  });

  test('destroys what a check made, also when it fails, and runs no more than it may at once', async () => {
    const ids: string[] = [];
    let running = 0;
    let most = 0;
    const making = (id: Check['id']): Check =>
      check(id, async (t) => {
        most = Math.max(most, ++running);
        ids.push((await t.create()).ref.id);
        running--;
        t.fail('on purpose');
      });
    await run([making('a/one'), making('a/two'), making('a/three')], { concurrency: 2 });
    expect(most).toBe(2);
    for (const id of ids) {
      expect(
        (await subject.inspect({ spec: 'gantry-ref/1', provider: subject.id, id })).state,
      ).toBe('gone');
    }
  });

  test('a stopped run leaves the rest untestable', async () => {
    const { checks } = await run([good], { signal: AbortSignal.abort() });
    expect(checks[0]?.status).toBe('untestable');
  });
});

describe('bad subjects', () => {
  test.each([
    ['data:text/javascript,', /is no provider module/],
    ['data:text/javascript,throw new Error("boom")', /cannot be loaded: .*boom/],
    ['data:text/javascript,export default () => ({})', /returned \{\} instead of a provider/],
    ['data:text/javascript,export default () => { throw new Error("no key") }', /failed: .*no key/],
    ['./no-such-module.mjs', /cannot be loaded/],
  ])('%s', async (load, message) => {
    await expect(runConformance({ subject: { load } })).rejects.toThrow(message);
  });
});

describe('reports', () => {
  const hostile = '<script>alert(1)</script> & "quotes" \u001b[31m\u0000';

  test('escape what guests wrote, redact secrets, and name mode and isolation', async () => {
    process.env['GANTRY_TEST_TOKEN'] = 'very-secret-value';
    const report = await run(
      [check('a/b', async (t) => t.fail(`${hostile} very-secret-value Bearer abcdefghijkl`))],
      { mode: 'emulated' },
    );
    delete process.env['GANTRY_TEST_TOKEN'];
    const html = toHtml(report);
    const junit = toJUnit(report);
    for (const text of [html, junit]) {
      expect(text).not.toMatch(/<script|very-secret-value|abcdefghijkl/);
      expect(text).not.toContain('\u001b');
      expect(text).not.toContain('\u0000');
      expect(text).toContain('&lt;script&gt;');
    }
    expect(html).toContain("default-src 'none'");
    expect(JSON.stringify(report)).not.toContain('very-secret-value');
    expect(toBadge(report)).toMatchObject({
      message: 'nonconformant · isolation none · emulated',
      color: 'red',
    });
    expect(report).toMatchObject({
      spec: 'gantry-conformance-report/1',
      mode: 'emulated',
      seed: expect.any(Number) as number,
    });
  });
});
