import { builtinModules } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { root, workspacePackages, type WorkspacePackage } from '../scripts/repository.ts';
import { importSpecifiers, packageOf } from './imports.ts';
import { tableRows } from './markdown.ts';
import { readText, repositoryFiles } from './repository-files.ts';

// The house's laws: what a reader may rely on in every package without looking.

const files = repositoryFiles();
const packages = workspacePackages();
const libraries = packages.filter(({ folder }) => folder.startsWith('packages/'));
const publishable = packages.filter(({ publishable: published }) => published);
const providers = libraries.filter(({ folder }) => folder.startsWith('packages/provider-'));

const LONGEST_SOURCE = 300;
const LONGEST_LIST_OF_CORE_NAMES = 45;
const LONGEST_LIST_OF_DRIVER_NAMES = 20;
const LONGEST_LIST_OF_CONFORMANCE_NAMES = 15;
const LONGEST_LIST_OF_PROVIDER_NAMES = 2;

const isTest = (file: string): boolean =>
  file.endsWith('.test.ts') || /^(?:packages|apps)\/[^/]+\/test\//.test(file);
const isCode = (file: string): boolean =>
  /\.(?:ts|js|mjs|cjs)$/.test(file) && !file.endsWith('.d.ts');

function sourcesOf({ folder }: WorkspacePackage): string[] {
  return files.filter((file) => file.startsWith(`${folder}/`) && isCode(file) && !isTest(file));
}

/** Our own entries that a package's sources may import; undefined where every public entry may be. */
function allowedEntries({
  folder,
}: WorkspacePackage): ((specifier: string) => boolean) | undefined {
  if (folder === 'packages/core') return () => false;
  if (folder.startsWith('packages/provider-')) {
    return (specifier) => ['@gantry/core/driver', '@gantry/core/node'].includes(specifier);
  }
  if (folder === 'packages/cli' || folder.startsWith('apps/'))
    return (specifier) => specifier !== '@gantry/core/driver';
  return undefined;
}

/** The libraries that core may import; every other package is held to what its package.json declares. */
const CORE_LIBRARIES = ['@opentelemetry/api', 'ignore', 'tar-stream', 'yaml', 'zod'];

const builtins = new Set(builtinModules);
const ours = new Set(packages.map(({ name }) => name));

/** Why a package's source must not import this, or undefined where it may. */
function refusal(owner: WorkspacePackage, file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) {
    const target = path.posix.join(path.posix.dirname(file), specifier);
    return target.startsWith(`${owner.folder}/`)
      ? undefined
      : 'a relative import leaves the package';
  }
  if (specifier.startsWith('node:')) return undefined;
  if (builtins.has(specifier)) return 'a built-in without the node: prefix';
  const name = packageOf(specifier);
  if (ours.has(name)) {
    const target = packages.find((candidate) => candidate.name === name);
    const entry = `.${specifier.slice(name.length)}`;
    if (target?.manifest.exports?.[entry] === undefined)
      return `${name} has no public entry ${entry}`;
    if (target.folder.startsWith('packages/provider-') && owner.folder.startsWith('packages/'))
      return 'a provider, which only applications import';
    if (allowedEntries(owner)?.(specifier) === false)
      return 'not among the entries that this package may import';
    return undefined;
  }
  if (owner.folder === 'packages/core' && !CORE_LIBRARIES.includes(name))
    return 'not among the libraries of core';
  const declared = { ...owner.manifest.dependencies, ...owner.manifest.peerDependencies };
  return name in declared ? undefined : 'not declared in package.json';
}

describe('imports', () => {
  test.each(packages.filter(({ folder }) => folder !== 'tests'))(
    '$folder imports only what it may',
    (owner) => {
      const sources = sourcesOf(owner);
      expect(sources).not.toEqual([]);
      const broken = sources.flatMap((file) =>
        importSpecifiers(file, readText(file)).flatMap((specifier) => {
          const reason = refusal(owner, file, specifier);
          return reason === undefined ? [] : [`${file} imports ${specifier}: ${reason}`];
        }),
      );
      expect(broken).toEqual([]);
    },
  );

  test('no test or script reaches into the sources of another package', () => {
    const broken = files.filter(isCode).flatMap((file) => {
      const own = packages.find(({ folder }) => file.startsWith(`${folder}/`))?.folder ?? '';
      return importSpecifiers(file, readText(file))
        .map((specifier) =>
          specifier.startsWith('.')
            ? path.posix.join(path.posix.dirname(file), specifier)
            : specifier,
        )
        .filter(
          (target) =>
            /(?:^|\/)(?:src|dist)\//.test(target) && !(own !== '' && target.startsWith(`${own}/`)),
        )
        .map((target) => `${file} imports ${target}`);
    });
    expect(broken).toEqual([]);
  });

  test.each([
    ['packages/core', 'packages/core/src/a.ts', '@gantry/provider-local'],
    ['packages/core', 'packages/core/src/a.ts', 'commander'],
    ['packages/core', 'packages/core/src/a.ts', '../../cli/src/main.ts'],
    ['packages/provider-local', 'packages/provider-local/src/a.ts', '@gantry/core/testing'],
    ['packages/provider-local', 'packages/provider-local/src/a.ts', '@gantry/core/src/driver.ts'],
    ['packages/cli', 'packages/cli/src/a.ts', '@gantry/core/driver'],
    ['packages/cli', 'packages/cli/src/a.ts', '@gantry/provider-local'],
    ['packages/cli', 'packages/cli/src/a.ts', 'fs'],
    ['bench', 'bench/src/a.ts', 'zod'],
  ])('the law refuses to let %s import in %s from %s', (folder, file, specifier) => {
    const owner = packages.find((candidate) => candidate.folder === folder);
    expect(owner && refusal(owner, file, specifier)).toBeTypeOf('string');
  });
});

describe('files', () => {
  test('there is a provider', () => {
    expect(providers).not.toEqual([]);
  });

  test.each(providers)('$folder has the files that every provider has', ({ folder }) => {
    const required = [
      'src/index.ts',
      'src/driver.ts',
      'src/errors.ts',
      'README.md',
      'package.json',
      'tsconfig.json',
    ];
    expect(files).toEqual(expect.arrayContaining(required.map((file) => `${folder}/${file}`)));
  });

  test.each(libraries)('$folder has a README', ({ folder }) => {
    expect(files).toContain(`${folder}/README.md`);
  });

  test('no source of a package is longer than the limit', () => {
    const long = libraries
      .concat(packages.filter(({ folder }) => folder.startsWith('apps/')))
      .flatMap(sourcesOf)
      .map((file) => ({ file, lines: readText(file).split('\n').length - 1 }))
      .filter(({ lines }) => lines > LONGEST_SOURCE);
    expect(long).toEqual([]);
  });

  test('no name says nothing, and every name is in kebab case', () => {
    const code = files.filter(isCode);
    expect(
      code.filter((file) => /(?:^|[/-])(?:utils?|helpers?|misc|common)(?:[/.-]|$)/.test(file)),
    ).toEqual([]);
    expect(
      code.filter(
        (file) => !/^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:ts|js|cjs|mjs)$/.test(path.basename(file)),
      ),
    ).toEqual([]);
  });

  test('every test file is in a folder where the test run looks', () => {
    const places =
      /^(?:(?:packages|examples|apps)\/[^/]+\/(?:src|test)|bench\/(?:src|test)|tests|scripts)\//;
    const all = files.filter((file) => /\.(?:test|spec)\.[cm]?[jt]sx?$/.test(file));
    expect(all.filter((file) => !(places.test(file) && file.endsWith('.test.ts')))).toEqual([]);
  });
});

describe('public names', () => {
  async function namesOf(
    { folder, manifest }: WorkspacePackage,
    entry?: string,
  ): Promise<string[]> {
    const targets = Object.entries(manifest.exports ?? {}).filter(
      ([name, target]) => typeof target === 'object' && (entry === undefined || name === entry),
    );
    const lists = await Promise.all(
      targets.map(async ([, target]) => {
        const file = path.join(root, folder, typeof target === 'object' ? target.default : target);
        return Object.keys((await import(pathToFileURL(file).href)) as object);
      }),
    );
    return [...new Set(lists.flat())].toSorted();
  }

  function required(name: string): WorkspacePackage {
    const found = packages.find((candidate) => candidate.name === name);
    if (!found) throw new Error(`the workspace has no package ${name}`);
    return found;
  }

  test('core keeps to its budget', async () => {
    const names = await namesOf(required('@gantry/core'));
    expect(names).toContain('defineProvider');
    expect(names.length, names.join(' ')).toBeLessThanOrEqual(LONGEST_LIST_OF_CORE_NAMES);
  });

  test("core's driver entry keeps to its budget", async () => {
    const names = await namesOf(required('@gantry/core'), './driver');
    expect(names).toContain('defineProvider');
    expect(names.length, names.join(' ')).toBeLessThanOrEqual(LONGEST_LIST_OF_DRIVER_NAMES);
  });

  test('the conformance suite keeps to its budget', async () => {
    const conformance = required('@gantry/conformance');
    const names = await namesOf(conformance);
    expect(names).toContain('runConformance');
    expect(names.length, names.join(' ')).toBeLessThanOrEqual(LONGEST_LIST_OF_CONFORMANCE_NAMES);
  });

  test.each(providers)('$folder keeps to its budget', async (provider) => {
    const names = await namesOf(provider);
    expect(names).not.toEqual([]);
    expect(names.length, names.join(' ')).toBeLessThanOrEqual(LONGEST_LIST_OF_PROVIDER_NAMES);
  });
});

describe('packages', () => {
  test.each(libraries)("$name is in the README's table", ({ name }) => {
    const rows = tableRows(readText('README.md'));
    expect(
      rows.filter((row) => new RegExp(`(?<![\\w/@-])${name}(?![\\w/-])`).test(row)),
    ).not.toEqual([]);
  });

  test.each(publishable)(
    '$name declares what every published package declares',
    ({ folder, manifest }) => {
      expect(manifest).toMatchObject({
        license: 'Apache-2.0',
        type: 'module',
        sideEffects: false,
        engines: { node: '>=22.18' },
        repository: { type: 'git', directory: folder },
        files: expect.arrayContaining(['dist']) as unknown,
        description: expect.stringMatching(/\.$/) as unknown,
      });
    },
  );

  test.each(providers)('$name takes core from its user', ({ manifest }) => {
    expect(manifest.peerDependencies).toHaveProperty('@gantry/core');
    expect(manifest.dependencies ?? {}).not.toHaveProperty('@gantry/core');
  });
});
