import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { root } from '../scripts/repository.ts';

/** Every file of the checkout that git does not ignore, relative to its top, sorted; works in an export without history too. */
export function repositoryFiles(): string[] {
  const empty = mkdtempSync(path.join(tmpdir(), 'gantry-files-'));
  try {
    const git = (...parameters: string[]): string =>
      execFileSync('git', parameters, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 });
    git('init', '-q', '--bare', empty);
    const listed = git(
      `--git-dir=${empty}`,
      `--work-tree=${root}`,
      'ls-files',
      '-z',
      '--others',
      '--exclude-standard',
    );
    return listed
      .split('\0')
      .filter((file) => file !== '')
      .toSorted();
  } finally {
    rmSync(empty, { recursive: true, force: true });
  }
}

/** The text of a file of the checkout. */
export function readText(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}
