import { readdirSync, existsSync } from 'node:fs';
import path from 'node:path';
import { defineConfig } from 'vitest/config';

const root = import.meta.dirname;

/** Each workspace folder with sources is a project of its own, so `vitest run --project core` runs one package. */
function packageFolders(): { name: string; folder: string }[] {
  return ['packages', 'examples', 'apps']
    .flatMap((group) =>
      existsSync(path.join(root, group))
        ? readdirSync(path.join(root, group)).map((name) => ({ name, folder: `${group}/${name}` }))
        : [],
    )
    .concat({ name: 'bench', folder: 'bench' })
    .filter(({ folder }) => existsSync(path.join(root, folder, 'package.json')));
}

const shared = { environment: 'node', testTimeout: 120_000, hookTimeout: 120_000 } as const;
/** What a project's tests share, where it has such a file: see `packages/provider-docker/test/global-setup.ts`. */
function globalSetup(folder: string): string[] {
  return [path.join(root, folder, 'test', 'global-setup.ts')].filter((file) => existsSync(file));
}
const withDocker = { globalSetup: globalSetup('packages/provider-docker') };
const exclude = ['**/node_modules/**', '**/dist/**', '**/.snippets/**'];

export default defineConfig({
  test: {
    // Most of a test's time is spent waiting for processes of a sandbox.
    maxWorkers: 2,
    projects: [
      ...packageFolders().map(({ name, folder }) => ({
        test: {
          ...shared,
          name,
          root: path.join(root, folder),
          globalSetup: globalSetup(folder),
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...exclude, '**/*.full.test.ts'],
        },
      })),
      {
        test: {
          ...shared,
          ...withDocker,
          name: 'repository',
          root,
          include: ['tests/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: [...exclude, '**/*.full.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        test: {
          ...shared,
          ...withDocker,
          name: 'full',
          root,
          include: [
            '{packages,examples,apps}/*/{src,test}/**/*.full.test.ts',
            'bench/src/**/*.full.test.ts',
            'tests/**/*.full.test.ts',
          ],
          exclude,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
