import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { root, workspacePackages } from '../scripts/repository.ts';

// What a user gets: each publishable package is packed, installed outside the repository, compiled against and run.

const run = promisify(execFile);
const tool = (name: string): string => path.join(root, 'node_modules', '.bin', name);
const publishable = workspacePackages().filter(({ publishable: published }) => published);

let folder = '';
const tarballs = new Map<string, string>();

/** What dependencies of dockerode would compile or print when they are installed; they work without. */
const allowBuilds = { 'cpu-features': false, protobufjs: false, ssh2: false };

/** What the compiler says of a project's programs and of every declaration file behind them; empty when all is well. */
async function complaint(place: string, packages: readonly string[]): Promise<string> {
  const entries = publishable
    .filter(({ name }) => packages.includes(name))
    .flatMap(({ name, manifest }) =>
      Object.keys(manifest.exports ?? {})
        .filter((entry) => !entry.endsWith('.json'))
        .map((entry) => `import '${name}${entry.slice(1)}';`),
    );
  await writeFile(path.join(place, 'entries.ts'), entries.join('\n'));
  const compilerOptions = {
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    noEmit: true,
    skipLibCheck: false,
  };
  await writeFile(
    path.join(place, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, include: ['*.ts'] }),
  );
  return run(tool('tsc'), ['-p', '.'], { cwd: place }).then(
    () => '',
    (error: Error & { stdout?: string }) => error.stdout || error.message,
  );
}

/** An empty project outside the repository with the named packages installed from their tarballs. */
async function project(
  name: string,
  packages: readonly string[],
  others: Readonly<Record<string, string>> = {},
): Promise<string> {
  const place = path.join(folder, name);
  await mkdir(place);
  const released = Object.fromEntries([...tarballs].map(([each, file]) => [each, `file:${file}`]));
  const named = packages.map((dependency) => [dependency, released[dependency]] as const);
  const dependencies = { ...Object.fromEntries(named), ...others };
  await writeFile(
    path.join(place, 'package.json'),
    JSON.stringify({
      name,
      private: true,
      type: 'module',
      dependencies,
      devDependencies: { '@types/node': '^24' },
    }),
  );
  // What the registry will do after a release, the overrides do before it: packages find each other by name.
  // JSON is YAML too; the file also keeps pnpm from taking a workspace above for this project's.
  await writeFile(
    path.join(place, 'pnpm-workspace.yaml'),
    JSON.stringify({ packages: ['.'], overrides: released, allowBuilds }),
  );
  await run(tool('pnpm'), ['install', '--prefer-offline'], { cwd: place });
  return place;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gantry-packaging-'));
  process.env['GANTRY_STATE_DIRECTORY'] = path.join(folder, 'state');
  for (const { name, folder: source } of publishable) {
    const place = path.join(folder, 'tarballs', name.replace('/', '-'));
    await mkdir(place, { recursive: true });
    await run(tool('pnpm'), ['pack', '--pack-destination', place], {
      cwd: path.join(root, source),
    });
    const [tarball = ''] = await readdir(place);
    tarballs.set(name, path.join(place, tarball));
  }
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe.each(publishable)('the tarball of $name', ({ name }) => {
  test('holds what it needs and nothing else', async () => {
    const { stdout } = await run('tar', ['-tzf', tarballs.get(name) ?? '']);
    const files = stdout.trim().split('\n');
    expect(files).toEqual(
      expect.arrayContaining(['package/package.json', 'package/LICENSE', 'package/README.md']),
    );
    expect(
      files.filter((file) => file.startsWith('package/dist/') && file.endsWith('.js')),
    ).not.toEqual([]);
    expect(
      files.filter((file) =>
        /\.test\.|\/test\/|tsbuildinfo|tsconfig|\.turbo|node_modules/.test(file),
      ),
    ).toEqual([]);
  });

  test('names its dependencies by version', async () => {
    const { stdout } = await run('tar', [
      '-xzOf',
      tarballs.get(name) ?? '',
      'package/package.json',
    ]);
    expect(stdout).not.toMatch(/"(?:workspace|file|link|catalog):/);
  });
});

describe('a project with core, the conformance suite and one provider', () => {
  let place = '';

  beforeAll(async () => {
    const names = ['@gantry/conformance', '@gantry/core', '@gantry/provider-local'];
    place = await project('one-provider', names, { vitest: '^5.1.1' });
  });

  test('has no other package of the repository', async () => {
    expect((await readdir(path.join(place, 'node_modules', '@gantry'))).toSorted()).toEqual([
      'conformance',
      'core',
      'provider-local',
    ]);
  });

  test('runs a command in a sandbox', async () => {
    await writeFile(
      path.join(place, 'run.js'),
      [
        "import { local } from '@gantry/provider-local';",
        'const provider = local();',
        'await using sandbox = await provider.create();',
        "const result = await sandbox.exec(['echo', 'hi']);",
        'process.stdout.write(JSON.stringify({ text: result.stdout.text, exit: result.exit }));',
      ].join('\n'),
    );
    const { stdout } = await run(process.execPath, ['run.js'], { cwd: place });
    expect(JSON.parse(stdout)).toEqual({ text: 'hi\n', exit: { code: 0 } });
  });

  test('runs a profile of the suite', async () => {
    await writeFile(
      path.join(place, 'prove.js'),
      [
        "import { runConformance } from '@gantry/conformance';",
        "const subject = { load: '@gantry/provider-local' };",
        "const { profiles, checks } = await runConformance({ subject, profiles: ['inventory'] });",
        'process.stdout.write(JSON.stringify({ profiles, failed: checks.filter((c) => c.message) }));',
      ].join('\n'),
    );
    const { stdout } = await run(process.execPath, ['prove.js'], { cwd: place });
    expect(JSON.parse(stdout)).toMatchObject({
      failed: [],
      profiles: { inventory: { status: 'conformant', supported: true } },
    });
  });

  test('compiles, every declaration file included', async () => {
    await writeFile(
      path.join(place, 'program.ts'),
      [
        "import { SandboxError, type Sandbox } from '@gantry/core';",
        "import { local } from '@gantry/provider-local';",
        'export async function greet(sandbox: Sandbox): Promise<number> {',
        "  const result = await sandbox.exec(['echo', 'hi']);",
        '  const text: string = result.stdout.text;',
        "  return text === 'hi\\n' ? (result.exit.code ?? -1) : -1;",
        '}',
        'export async function main(): Promise<number> {',
        '  await using sandbox = await local().create();',
        '  return greet(sandbox);',
        '}',
        'export function codeOf(error: unknown): string | undefined {',
        '  return SandboxError.is(error) ? error.code : undefined;',
        '}',
        '// @ts-expect-error a command is a string or a list that starts with a program',
        'export const wrong = (sandbox: Sandbox): unknown => sandbox.exec([]);',
      ].join('\n'),
    );
    expect(await complaint(place, ['@gantry/core', '@gantry/provider-local'])).toBe('');
  });

  test('carries the JSON Schema of the manifest', async () => {
    const schema = await readFile(
      path.join(place, 'node_modules', '@gantry', 'core', 'manifest.schema.json'),
      'utf8',
    );
    expect(JSON.parse(schema)).toHaveProperty('$schema');
  });
});

describe('a project with the command', () => {
  test('finds the provider that its user installed', async () => {
    const place = await project('command', ['@gantry/core', '@gantry/provider-local', 'gantry']);
    const gantry = path.join(place, 'node_modules', '.bin', 'gantry');
    const { stdout } = await run(gantry, ['exec', '--provider', 'local', '--', 'echo', 'hi'], {
      cwd: place,
    });
    expect(stdout).toBe('hi\n');
  });

  test('proves that provider', async () => {
    const place = await project('proof', ['@gantry/core', '@gantry/provider-local', 'gantry']);
    const gantry = path.join(place, 'node_modules', '.bin', 'gantry');
    const parameters = ['conformance', 'local', '--profile', 'inventory', '--json'];
    const { stdout } = await run(gantry, parameters, { cwd: place });
    expect(JSON.parse(stdout)).toMatchObject({ subject: { name: 'local' }, conformant: true });
  });

  test('runs in a container with the docker provider alone', async () => {
    const docker = inject('docker');
    if ('problem' in docker) throw new Error(docker.problem);
    const packages = ['@gantry/core', '@gantry/provider-docker', 'gantry'];
    const place = await project('command-docker', packages);
    const gantry = path.join(place, 'node_modules', '.bin', 'gantry');
    const environment = { ...process.env, DOCKER_HOST: docker.host };
    const options = { cwd: place, env: environment };
    const line = ['exec', '--provider', 'docker', '--', 'sh', '-c', 'id -u; pwd'];
    expect((await run(gantry, line, options)).stdout).toBe('1000\n/workspace\n');
    expect((await run(gantry, ['doctor'], options)).stdout).toMatch(
      /no local: not installed[^]*ok docker: works here, isolation: container/,
    );
    expect((await readdir(path.join(place, 'node_modules', '@gantry'))).toSorted()).toEqual([
      'core',
      'provider-docker',
    ]);
    expect(await complaint(place, packages)).toBe('');
  });

  test('says how to install a provider that is missing', async () => {
    const place = await project('command-alone', ['@gantry/core', 'gantry']);
    const gantry = path.join(place, 'node_modules', '.bin', 'gantry');
    for (const name of ['local', 'docker']) {
      const line = ['exec', '--provider', name, '--', 'echo', 'hi'];
      const ended = await run(gantry, line, { cwd: place }).then(
        () => ({ code: 0, stderr: '' }),
        (error: { code: number; stderr: string }) => error,
      );
      expect(ended.stderr).toContain(`npm install @gantry/provider-${name}`);
      expect(ended.code).toBeGreaterThanOrEqual(125);
    }
  });
});
