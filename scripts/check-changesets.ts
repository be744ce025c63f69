import { cpSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root, runCommand, type Finished } from './repository.ts';

/**
 * Checks that the changesets name real packages and that the next versions follow from them.
 *
 * The command compares with a branch, so it runs on a small repository of its own, made of the manifests: this way it
 * needs no remote and no history.
 */
export async function checkChangesets(): Promise<Finished> {
  const copy = mkdtempSync(path.join(tmpdir(), 'gantry-changesets-'));
  try {
    const manifests = globSync(
      [
        'package.json',
        '{packages,examples,apps}/*/package.json',
        'bench/package.json',
        'tests/package.json',
      ],
      { cwd: root },
    );
    for (const file of [...manifests, 'pnpm-workspace.yaml', '.changeset']) {
      cpSync(path.join(root, file), path.join(copy, file), { recursive: true });
    }
    const author = [
      '-c',
      'user.name=check',
      '-c',
      'user.email=check@localhost',
      '-c',
      'commit.gpgsign=false',
    ];
    const preparation = `git init -q -b main . && git add -A && git ${author.join(' ')} commit -q --no-verify -m manifests`;
    const prepared = await runCommand('sh', ['-c', preparation], { cwd: copy });
    if (prepared.code !== 0) return prepared;
    return await runCommand('changeset', ['status', '--verbose'], { cwd: copy });
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const { code, output } = await checkChangesets();
  process.stdout.write(output);
  process.exitCode = code;
}
