import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { readManifest, root, runCommand } from './repository.ts';

// Writes a provider package that works: plain processes, to be replaced function by function.

const { values: options, positionals } = parseArgs({
  // The folder to write to; default packages/provider-NAME, which is also made known to the repository.
  options: { into: { type: 'string' } },
  allowPositionals: true,
});
const [name = ''] = positionals;

/** What is written: the skeleton's sources under the provider's own name, and what a package needs around them. */
function filesOf(provider: string): Readonly<Record<string, string>> {
  const pascal = provider.replaceAll(/(?:^|-)([a-z0-9])/g, (_, letter: string) =>
    letter.toUpperCase(),
  );
  const camel = pascal.charAt(0).toLowerCase() + pascal.slice(1);
  const named = (text: string): string =>
    text
      .replaceAll(/'skeleton'/g, `'${provider}'`)
      .replaceAll('gantry-skeleton-', `gantry-${provider}-`)
      .replaceAll('Sandboxes of skeleton', `Sandboxes of ${provider}`)
      .replaceAll('Skeleton', pascal)
      .replaceAll('skeleton', camel);
  // Beside the repository's tests, which see to it that it compiles.
  const skeleton = path.join(root, 'tests', 'provider-skeleton');
  const sources = readdirSync(skeleton).map(
    (file) =>
      [
        `src/${file.replace('-test.ts', '.test.ts')}`,
        named(readFileSync(path.join(skeleton, file), 'utf8')),
      ] as const,
  );
  return {
    ...Object.fromEntries(sources),
    'package.json': `${JSON.stringify(manifestOf(provider), undefined, 2)}\n`,
    'tsconfig.json': readFileSync(path.join(root, 'packages/provider-local/tsconfig.json'), 'utf8'),
    'README.md': `# @gantry/provider-${provider}\n\nSandboxes of ${provider}. Say here what they are, what they need, and what they cannot do.\n`,
  };
}

/** Like the manifest of a provider that is there already, without what is its own. */
function manifestOf(provider: string): object {
  const { dependencies: _own, ...like } = readManifest('packages/provider-local');
  const { '@gantry/core': core, ...development } = { ...like.devDependencies };
  return {
    ...like,
    name: `@gantry/provider-${provider}`,
    description: `Sandboxes of ${provider}.`,
    keywords: ['gantry', provider, 'sandbox'],
    files: ['dist', 'src', '!dist/.tsbuildinfo', '!src/**/*.test.ts'],
    repository: {
      type: 'git',
      url: 'git+https://github.com/gantry/gantry.git',
      directory: `packages/provider-${provider}`,
    },
    devDependencies: { '@gantry/core': core, ...development },
  };
}

/** Adds the package to the lists that name every package. */
function register(folder: string): void {
  for (const file of ['tsconfig.sources.json', 'tsconfig.tests.json']) {
    const place = path.join(root, file);
    const last = '    { "path": "packages/conformance" },\n';
    const text = readFileSync(place, 'utf8');
    if (!text.includes(last)) throw new Error(`${file} has no line ${last.trim()} to add to`);
    writeFileSync(place, text.replace(last, `${last}    { "path": "${folder}" },\n`));
  }
  const readme = path.join(root, 'README.md');
  const row = /^\| \[`gantry`\]/m;
  const text = readFileSync(readme, 'utf8');
  if (!row.test(text)) throw new Error('the README has no row of gantry to write above');
  const own = `| [\`@gantry/provider-${name}\`](${folder}/README.md) | sandboxes of ${name} | new |\n`;
  writeFileSync(
    readme,
    text.replace(row, (found) => own + found),
  );
  const change = `---\n'@gantry/provider-${name}': minor\n---\n\nSandboxes of ${name}.\n`;
  writeFileSync(path.join(root, '.changeset', `provider-${name}.md`), change);
}

if (!/^[a-z][a-z0-9-]{0,40}$/.test(name)) {
  process.stderr.write(
    'Usage: npm run new-provider -- NAME [--into FOLDER], NAME like my-vendor\n',
  );
  process.exitCode = 64;
} else {
  const folder = options.into ?? `packages/provider-${name}`;
  const place = path.resolve(root, folder);
  if (existsSync(place)) throw new Error(`${folder} is there already; choose another name`);
  for (const [file, text] of Object.entries(filesOf(name))) {
    mkdirSync(path.dirname(path.join(place, file)), { recursive: true });
    writeFileSync(path.join(place, file), text);
  }
  if (options.into === undefined) {
    register(folder);
    const install = ['-y', 'pnpm@12.21.0', 'install', '--prefer-offline'];
    process.exitCode = (await runCommand('npx', install, { show: true })).code;
  }
  const index = path.relative(process.cwd(), path.join(place, 'src/index.ts'));
  process.stdout.write(
    `Written: ${folder}. Prove it, and mend what fails:\n\n  npx gantry conformance ./${index} --profile core\n\nThe way on is docs/add-a-provider.md.\n`,
  );
}
