import { lstat, readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type Files, SandboxError } from '@gantry/core';
import { z } from 'zod';
import { workspaceRoot } from '../toolset/workspace-paths.ts';
import { badSkill, parseSkill } from './parse-skill.ts';
import { type GitSkills, gitTree } from './git-tree.ts';
import type { Skill, SkillFile } from './skill.ts';
import type { SkillTree } from './skill-tree.ts';

/** Where skills are: each a folder, or a folder of such folders. */
export type SkillSource =
  | { readonly directory: string }
  /** A folder of an installed npm package, `skills` by default. `from` is the file or URL whose imports would find the package. */
  | { readonly package: string; readonly from: string; readonly directory?: string }
  | GitSkills
  /** A folder of the run's workspace: for what an entry of the manifest brought. */
  | { readonly workspace: string };

/** The skills of one source. */
export interface FoundSkills {
  readonly skills: readonly Skill[];
  /** Of a git repository: the commit that they are of. */
  readonly commit?: string;
}

const mostFiles = 500;
const mostBytes = 16 * 1024 * 1024;

const packageFile = z.object({ version: z.string() });

/**
 * The skills of a source. Links in it are refused: they could lead to any file of the host. A `commit` that was recorded is taken in
 * place of what the ref names by now.
 */
export async function readSkills(
  source: SkillSource,
  files: Files,
  commit?: string,
): Promise<FoundSkills> {
  if ('git' in source) {
    const found = await gitTree(source, commit);
    const name = `git:${source.git}@${found.commit}`;
    const shown = source.directory === undefined ? name : `${name}/${source.directory}`;
    return { skills: await skillsIn(found.tree, '', shown), commit: found.commit };
  }
  if ('workspace' in source) {
    const tree: SkillTree = {
      list: (place) => files.list(place),
      read: (place) => files.readBytes(place),
    };
    const root = path.posix.join(workspaceRoot, source.workspace);
    return { skills: await skillsIn(tree, root, `workspace:${source.workspace}`) };
  }
  if ('directory' in source && !('package' in source)) {
    const root = path.resolve(source.directory);
    return { skills: await skillsIn(hostTree, root, source.directory) };
  }
  const { package: name, from, directory = 'skills' } = source;
  const root = path.dirname(createRequire(from).resolve(`${name}/package.json`));
  const { version } = packageFile.parse(
    JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')),
  );
  const folder = path.join(root, directory);
  return { skills: await skillsIn(hostTree, folder, `npm:${name}@${version}`) };
}

const hostTree: SkillTree = {
  async list(place) {
    const names = (await readdir(place)).toSorted();
    return Promise.all(
      names.map(async (name) => {
        const stat = await lstat(path.join(place, name));
        const type = stat.isDirectory() ? 'directory' : stat.isFile() ? 'file' : 'other';
        return { name, type, size: stat.size, mode: stat.mode & 0o777 };
      }),
    );
  },
  read: (place) => readFile(place),
};

async function skillsIn(tree: SkillTree, root: string, source: string): Promise<readonly Skill[]> {
  const entries = await tree.list(root);
  if (entries.some(({ name }) => name === 'SKILL.md')) {
    return [parseSkill(await filesOf(tree, root, source), source)];
  }
  const skills: Skill[] = [];
  for (const { name, type } of entries) {
    if (type !== 'directory' || name.startsWith('.')) continue;
    const folder = path.join(root, name);
    const isSkill = (await tree.list(folder)).some((entry) => entry.name === 'SKILL.md');
    const place = `${source}/${name}`;
    if (isSkill) skills.push(parseSkill(await filesOf(tree, folder, place), place));
  }
  if (skills.length === 0) throw badSkill(source, 'there is no folder with a SKILL.md');
  return skills;
}

async function filesOf(
  tree: SkillTree,
  root: string,
  source: string,
): Promise<readonly SkillFile[]> {
  const files: SkillFile[] = [];
  let bytes = 0;
  const add = async (place: string, prefix: string): Promise<void> => {
    for (const { name, type, size, mode } of await tree.list(place)) {
      const shown = prefix + name;
      if (type === 'directory') {
        if (name !== '.git' && name !== 'node_modules')
          await add(path.join(place, name), `${shown}/`);
        continue;
      }
      if (type !== 'file') throw badSkill(source, `${shown} is no regular file`);
      bytes += size;
      if (bytes > mostBytes || files.length >= mostFiles) {
        throw new SandboxError(
          'resource-exhausted',
          `skill ${source}: it has more than ${mostFiles} files or ${mostBytes} bytes`,
          { operation: 'skills' },
        );
      }
      files.push({ path: shown, bytes: await tree.read(path.join(place, name)), mode });
    }
  };
  await add(root, '');
  return files;
}
