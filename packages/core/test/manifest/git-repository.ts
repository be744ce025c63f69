import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** What a test knows of the repository that it made. */
export interface MadeRepository {
  /** First and last commit of `main`. */
  readonly first: string;
  readonly last: string;
}

/**
 * A bare repository at `bare` with a program, links and attributes that name filters on `main`; an annotated
 * tag `v1` on its first commit; a branch and a tag named `both`; a branch `leaving` with a link that leads out.
 */
export function makeRepository(bare: string): MadeRepository {
  const work = `${bare}.work`;
  mkdirSync(work, { recursive: true });
  const git = (...argv: string[]): string =>
    execFileSync('git', argv, {
      cwd: work,
      env: {
        PATH: process.env['PATH'],
        HOME: work,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_AUTHOR_NAME: 'a',
        GIT_AUTHOR_EMAIL: 'a@invalid',
        GIT_COMMITTER_NAME: 'a',
        GIT_COMMITTER_EMAIL: 'a@invalid',
      },
    })
      .toString()
      .trim();
  const file = (name: string): string => path.join(work, name);
  const commit = (message: string): string => {
    git('add', '-A');
    git('commit', '-q', '-m', message);
    return git('rev-parse', 'HEAD');
  };
  git('init', '-q', '-b', 'main');
  writeFileSync(file('a.txt'), 'one\n');
  const first = commit('first');
  git('tag', '-a', 'v1', '-m', 'v1');
  writeFileSync(file('a.txt'), 'two\n');
  writeFileSync(file('run'), '#!/bin/sh\n');
  chmodSync(file('run'), 0o755);
  mkdirSync(file('d'));
  symlinkSync('../a.txt', file('d/link'));
  // A filter that is not configured does nothing; were it, it would show in the contents.
  writeFileSync(file('.gitattributes'), '*.txt filter=evil\nlfs.bin filter=lfs\n');
  writeFileSync(file('lfs.bin'), 'version https://git-lfs.github.com/spec/v1\n');
  writeFileSync(file('.gitmodules'), '[submodule "s"]\n\tpath = s\n\turl = ../other.git\n');
  git('add', '-A');
  git('update-index', '--add', '--cacheinfo', `160000,${first},s`);
  git('commit', '-q', '-m', 'last');
  const last = git('rev-parse', 'HEAD');
  git('branch', 'both', first);
  git('tag', 'both', last);
  git('checkout', '-q', '-b', 'leaving');
  symlinkSync('../../etc/passwd', file('d/out'));
  commit('leaving');
  git('checkout', '-q', 'main');
  git('clone', '-q', '--bare', work, bare);
  return { first, last };
}
