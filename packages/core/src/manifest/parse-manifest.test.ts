import path from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { caught } from '../../test/manifest/caught.ts';
import { parseManifest } from './parse-manifest.ts';
import { workspacePathPattern, workspacePathProblem } from './workspace-path.ts';

const spec = 'gantry-manifest/1';
const file = { type: 'file', text: 'x' };

async function problems(manifest: object): Promise<string> {
  return (await caught(() => parseManifest({ spec, ...manifest }))).message;
}

describe('paths (probe 37)', () => {
  test.each([
    '../x',
    '/etc/x',
    'a/../../x',
    'a//b',
    'a/',
    '.',
    './a',
    '',
    'a\0b',
    'a\nb',
    'a\u0085b',
    'x'.repeat(5000),
    `${'x'.repeat(256)}/a`,
    String.raw`C:\x`,
    String.raw`\\srv\share`,
    'a./b',
    'b ',
    '...',
    'half \ud800',
  ])('%j is refused, and named', async (bad) => {
    const error = await caught(() => parseManifest({ spec, entries: { [bad]: file } }));
    expect(error.code).toBe('invalid-argument');
    expect(error.details['problems']).toEqual([
      { path: ['entries', bad], message: expect.any(String) as string },
    ]);
  });

  test.each([
    ['a', 'A', 'differ only by case'],
    ['Dir/a', 'dir/b', 'differ only by case'],
    ['caf\u00e9', 'cafe\u0301', 'differ only by case or Unicode form'],
    ['stra\u00dfe', 'STRASSE', 'differ only by case'],
    ['a', 'a/b', 'nothing can be below "a", which is a file'],
  ])('%j and %j: %s', async (first, second, reason) => {
    expect(await problems({ entries: { [first]: file, [second]: file } })).toContain(reason);
  });

  test.each([
    { type: 'hostMount', source: '/x' },
    { type: 'localFile', source: 'x' },
    { type: 's3', bucket: 'b' },
    { type: 'output', kind: 'file' },
  ])('nothing is below a $type', async (outer) => {
    expect(await problems({ entries: { 'm/a/b': file, m: outer } })).toContain(
      'nothing can be below',
    );
  });

  test('odd but good names are kept', () => {
    const entries = {
      '.env': file,
      'a b/-rf': file,
      'é/日本': file,
      'a..b': file,
      constructor: file,
    };
    expect(Object.keys(parseManifest({ spec, entries }).entries ?? {})).toEqual(
      Object.keys(entries),
    );
  });

  test('any path that is accepted stays inside and survives normalizing', () => {
    const parts = ['a', '..', '.', '', 'b.', 'c ', '-', '\\', '\0', 'é', '.d', '/', '\u{1f600}'];
    const paths = fc
      .tuple(
        fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 6 }),
        fc.constantFrom('/', ''),
      )
      .map(([chosen, separator]) => chosen.join(separator));
    fc.assert(
      fc.property(paths, (candidate) => {
        const accepted = workspacePathProblem(candidate) === undefined;
        const stays =
          path.posix.normalize(candidate) === candidate &&
          path.posix.join('/w', candidate).startsWith('/w/');
        expect(!accepted || stays).toBe(true);
        // The published pattern and the code agree, but for lengths and C1 control characters.
        expect(new RegExp(workspacePathPattern, 'u').test(candidate)).toBe(accepted);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('values', () => {
  test.each([
    [{ spec: 'gantry-manifest/2' }, "spec: must be 'gantry-manifest/1'"],
    [{ nmae: 'x' }, 'nmae: unknown key'],
    [{ entries: { a: { ...file, mdoe: '0644' } } }, 'entries.a.mdoe: unknown key'],
    [{ entries: { a: { type: 'file' } } }, 'exactly one of `text` and `base64`'],
    [{ entries: { a: { ...file, base64: 'eA==' } } }, 'exactly one of `text` and `base64`'],
    [{ entries: { a: { type: 'file', base64: 'eA=' } } }, 'is not base64'],
    [
      { entries: { a: { ...file, mode: '4755' } } },
      'entries.a.mode: must be octal text up to 0777',
    ],
    [{ entries: { a: { ...file, mode: 0o755 } } }, 'must be octal text in quotes'],
    [{ entries: { a: { type: 'nope' } } }, 'entries.a.type: must be an object whose `type` is'],
    [{ entries: { a: { type: 'localFile' } } }, 'entries.a.source: is missing'],
    [{ entries: { a: { type: 'archive', source: 'x', sha256: 'AB' } } }, '64 lower-case'],
    [{ env: { 'A-B': 'x' } }, 'env["A-B"]: an environment variable is named'],
    [{ env: { A: 'x\0' } }, 'env.A: the value has a NUL'],
    [{ env: { A: 1 } }, 'env.A: the value must be text'],
    [{ ports: [0, 65_536, 80, 80] }, 'ports[0]: is below 1'],
    [{ ports: [80, 80] }, 'ports: a port is named twice'],
    [{ network: { mode: 'allow-list', allow: ['a b'] } }, 'network.allow[0]'],
    [{ network: { mode: 'allow-list', allow: ['10.0.0.0/33'] } }, 'CIDR prefix is out of range'],
    [{ network: { mode: 'all' } }, 'network.mode: must be an object whose `mode` is'],
    [{ resources: { cpus: 0 } }, 'resources.cpus: must be above zero'],
    [{ setup: [[]] }, 'setup[0]'],
    [{ user: '-root' }, 'user: must be a user name'],
  ])('%j: %s', async (manifest, message) => {
    expect(await problems(manifest)).toContain(message);
  });

  test('an inline file of 10 MB is refused with the way out', async () => {
    const text = 'x'.repeat(10_000_000);
    expect(await problems({ entries: { a: { type: 'file', text } } })).toContain('use `localFile`');
    const base64 = Buffer.from(text).toString('base64');
    expect(await problems({ entries: { a: { type: 'file', base64 } } })).toContain(
      'use `localFile`',
    );
  });

  test.each([
    ['file:///etc', 'is refused'],
    ['http://host/x', 'is refused'],
    ['git://host/x', 'is refused'],
    ['ext::sh -c id', 'space'],
    ['ext::id', 'remote helpers'],
    ['--upload-pack=id', 'dash'],
    ['/srv/repo', 'only https://'],
    ['../repo', 'only https://'],
    ['ssh://-oProxyCommand=id/x', 'URL'],
    ['-oProxyCommand=id:x', 'dash'],
    ['git@-host:x', 'only https://'],
    ['-u@host:x', 'dash'],
    ['https://user:token@host/x', 'password'],
    ['https://user@host/x', 'user name'],
    ['https://host/x?token=1', 'query'],
  ])('the git URL %s is refused', async (url, reason) => {
    expect(await problems({ entries: { a: { type: 'git', url } } })).toContain(reason);
  });

  test.each(['--upload-pack=id', 'a..b', 'a b', 'a~1', '.a', 'a.lock', 'a@{0}', 'a:b', ''])(
    'the git ref %j is refused',
    async (ref) => {
      const git = { type: 'git', url: 'https://host/x', ref };
      expect(await problems({ entries: { a: git } })).toContain('entries.a.ref');
    },
  );

  test('good git sources and network rules pass', () => {
    const urls = [
      'https://host/x.git',
      'ssh://git@host:2222/x',
      'git@host:group/x.git',
      'https://[::1]/x',
    ];
    const allow = ['example.com', '*.example.com:443', '10.0.0.0/8', '::1', '[fd00::/8]:443'];
    for (const url of urls) {
      const entries = { a: { type: 'git', url, ref: 'feature/x-1' } };
      const manifest = { spec, entries, network: { mode: 'allow-list', allow } };
      expect(parseManifest(manifest)).toEqual(manifest);
    }
  });

  test('every problem is told at once, of every kind', async () => {
    const error = await caught(() =>
      parseManifest({
        spec: 'x',
        unknown: 1,
        entries: { '../a': file, b: { type: 'file' }, B: file },
        ports: [0],
      }),
    );
    expect(error.message.split('\n').slice(1).toSorted()).toEqual([
      '  entries.B: "B" and "b" differ only by case or Unicode form',
      '  entries.b: a file has exactly one of `text` and `base64`',
      '  entries["../a"]: the path has a .. segment',
      '  ports[0]: is below 1',
      "  spec: must be 'gantry-manifest/1'",
      '  unknown: unknown key',
    ]);
  });

  test.each([
    '{"spec":"gantry-manifest/1","__proto__":{"setup":["id"]}}',
    '{"spec":"gantry-manifest/1","env":{"__proto__":"x"}}',
    '{"spec":"gantry-manifest/1","entries":{"__proto__":{"type":"dir"}}}',
  ])('a key named __proto__ is refused, never dropped: %s', async (text) => {
    const error = await caught(() => parseManifest(JSON.parse(text)));
    expect(error.message).toContain('nothing can be named __proto__');
  });

  test.each([null, 1, 'x', [], undefined])('%j is no manifest', async (value) => {
    expect((await caught(() => parseManifest(value))).code).toBe('invalid-argument');
  });
});
