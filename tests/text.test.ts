import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../scripts/repository.ts';
import { anchors, linkTargets } from './markdown.ts';
import { readText, repositoryFiles } from './repository-files.ts';

// What is written stands on its own: it names no machine and no registry, and its links lead somewhere.

const files = repositoryFiles();
const LOCKFILE = 'pnpm-lock.yaml';
const documents = files.filter((file) => file.endsWith('.md'));

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

const MACHINE_PATHS: readonly (readonly [string, RegExp])[] = [
  ["somebody's home", /\/(?:home|Users)\/[A-Za-z][\w.-]*\//],
  ["root's home", /(?<![\w.])\/root\//],
  ["this machine's home", new RegExp(`(?<![\\w.])${escaped(homedir())}/`)],
  ['this checkout', new RegExp(`(?<![\\w.])${escaped(root)}(?![\\w-])`)],
];
const REGISTRY_HOST =
  /https?:\/\/(?:[\w-]+\.)*(?:registry|artifactory|nexus|verdaccio|npm-?mirror)[\w-]*(?:\.[\w-]+)+/i;

function mentions(pattern: RegExp, among: readonly string[]): string[] {
  return among.flatMap((file) =>
    readText(file)
      .split('\n')
      .flatMap((line, index) =>
        pattern.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [],
      ),
  );
}

describe('machines', () => {
  test.each(MACHINE_PATHS)('no file mentions %s', (_name, pattern) => {
    expect(mentions(pattern, files)).toEqual([]);
  });

  test('no file but the lockfile mentions a package registry', () => {
    expect(
      mentions(
        REGISTRY_HOST,
        files.filter((file) => file !== LOCKFILE),
      ),
    ).toEqual([]);
  });

  test('the lockfile says nothing of where its packages came from', () => {
    expect(mentions(/tarball: https?:/, [LOCKFILE])).toEqual([]);
  });
});

describe('documents', () => {
  test('there are documents', () => {
    expect(documents).toEqual(
      expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'AGENTS.md']),
    );
  });

  test.each(documents)('the links of %s lead somewhere', (file) => {
    const dead = linkTargets(readText(file)).filter((target) => {
      if (/^[a-z][a-z+.-]*:/i.test(target)) return false; // another site: not looked up, so that the tests need no network
      const [place = '', fragment] = target.split('#');
      const linked =
        place === '' ? file : path.posix.join(path.posix.dirname(file), decodeURIComponent(place));
      if (linked.startsWith('../') || !existsSync(path.join(root, linked))) return true;
      if (fragment === undefined || !linked.endsWith('.md')) return false;
      return !anchors(readText(linked)).includes(decodeURIComponent(fragment));
    });
    expect(dead).toEqual([]);
  });

  test.each(documents)('the anchors of %s are unique', (file) => {
    const all = anchors(readText(file));
    expect(all.filter((name, index) => all.indexOf(name) !== index)).toEqual([]);
  });
});
