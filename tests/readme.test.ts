import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { readManifest, root, workspacePackages } from '../scripts/repository.ts';
import { snippets } from './markdown.ts';
import { readText } from './repository-files.ts';

// Every snippet that a README shows is run, and must end well.

const run = promisify(execFile);
const binaries = path.join(root, 'node_modules', '.bin');
// Without a daemon the snippets that need one say so themselves.
const docker = inject('docker');
const environment = {
  ...process.env,
  PATH: `${binaries}:${process.env['PATH'] ?? ''}`,
  ...('host' in docker ? { DOCKER_HOST: docker.host } : {}),
};
const packages = workspacePackages();

const readmes = ['README.md', ...packages.map(({ folder }) => `${folder}/README.md`)].filter(
  (file) => existsSync(path.join(root, file)),
);
const shown = readmes.flatMap((file) =>
  snippets(readText(file)).map((snippet) => ({
    ...snippet,
    place: `${file}:${snippet.line}`,
    inRoot: file === 'README.md',
  })),
);
const programs = shown.filter(({ language }) => language === 'ts' || language === 'js');
const shells = shown.filter(({ language, inRoot }) => language === 'sh' && inRoot);

/** What a command that ended badly printed; empty when it ended well. */
function complaint(command: string, parameters: readonly string[], cwd: string): Promise<string> {
  return run(command, [...parameters], { cwd, env: environment, timeout: 120_000 }).then(
    () => '',
    (error: { message: string; stdout?: string; stderr?: string }) =>
      [error.message, error.stdout, error.stderr].filter(Boolean).join('\n'),
  );
}

test('the README shows code and commands', () => {
  expect(programs.filter(({ inRoot }) => inRoot)).not.toEqual([]);
  expect(shells).not.toEqual([]);
});

test('every fenced block says its language', () => {
  expect(
    shown
      .filter(({ language }) => !/^(?:ts|js|sh|json|yaml|text|mermaid|diff)$/.test(language))
      .map(({ place }) => place),
  ).toEqual([]);
});

describe('programs', () => {
  // Below this folder the workspace's packages resolve as they do for their users.
  let folder = '';
  const fileOf = (index: number): string =>
    path.join(folder, `snippet-${index}`, `program.${programs[index]?.language}`);

  beforeAll(() => {
    mkdirSync(path.join(root, 'tests', '.snippets'), { recursive: true });
    folder = mkdtempSync(path.join(root, 'tests', '.snippets', 'run-'));
    for (const [index, { code }] of programs.entries()) {
      mkdirSync(path.dirname(fileOf(index)));
      writeFileSync(fileOf(index), `${code}\nexport {};\n`);
    }
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(programs.map(({ place }, index) => ({ place, index })))(
    '$place runs',
    async ({ index }) => {
      expect(await complaint(process.execPath, [fileOf(index)], path.dirname(fileOf(index)))).toBe(
        '',
      );
    },
  );

  test('all of them compile', async () => {
    const configuration = {
      extends: path.relative(folder, path.join(root, 'tsconfig.base.json')),
      compilerOptions: { noEmit: true, noUnusedLocals: false, noUnusedParameters: false },
      include: ['*/program.ts'],
    };
    expect(programs.some(({ language }) => language === 'ts')).toBe(true);
    writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(configuration));
    expect(await complaint('tsc', ['-p', folder, '--pretty', 'false'], folder)).toBe('');
  });
});

describe('commands', () => {
  /** Lines that would start the whole repository again, or install it from a registry: they are checked, not run. */
  const CHECKED = /^npm (?:start|test|run|install|i|add)\b/;

  /** Why a checked line is wrong, or undefined. */
  function mistake(line: string): string | undefined {
    const [, verb = '', ...words] = line.replace(/\s+#.*$/, '').split(/\s+/);
    const named = words.filter((word) => !word.startsWith('-'));
    if (verb === 'start' || verb === 'test' || verb === 'run') {
      const script = verb === 'run' ? named[0] : verb;
      return readManifest('.').scripts?.[script ?? ''] ? undefined : `${line}: no such script`;
    }
    const unknown = named.filter(
      (name) => !packages.some((candidate) => candidate.publishable && candidate.name === name),
    );
    return unknown.length === 0 && named.length > 0
      ? undefined
      : `${line}: not a package of this repository: ${unknown.join(' ')}`;
  }

  test.each(shells)('$place runs', async ({ code }) => {
    const lines = code.split('\n').map((line) => line.trim());
    expect(
      lines.filter((line) => CHECKED.test(line)).flatMap((line) => mistake(line) ?? []),
    ).toEqual([]);
    const script = code
      .split('\n')
      .filter((line) => !CHECKED.test(line.trim()))
      .join('\n');
    expect(await complaint('sh', ['-euc', script], root)).toBe('');
  });

  test.each(['npm run nothing', 'npm install @gantry/nothing', 'npm install'])(
    '%s would be refused',
    (line) => {
      expect(mistake(line)).toBeTypeOf('string');
    },
  );
});
