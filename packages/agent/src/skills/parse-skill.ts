import { createHash } from 'node:crypto';
import { SandboxError } from '@gantry/core';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import type { Skill, SkillFile } from './skill.ts';

const skillName = 'SKILL.md';

// https://agentskills.io/specification: other keys are for whoever knows them.
const frontMatter = z.looseObject({
  name: z
    .string()
    .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/)
    .max(64),
  description: z.string().min(1).max(1024),
});

/** Makes a skill of its files. Throws `invalid-argument` where there is no `SKILL.md` or its front matter does not fit. */
export function parseSkill(files: readonly SkillFile[], source: string): Skill {
  const main = files.find(({ path }) => path === skillName);
  if (!main) throw badSkill(source, `there is no ${skillName}`);
  const text = new TextDecoder().decode(main.bytes).replaceAll('\r\n', '\n');
  const [, yaml, body] = /^---\n([^]*?)\n---(?:\n([^]*))?$/.exec(text) ?? [];
  if (yaml === undefined)
    throw badSkill(source, `${skillName} does not begin with front matter between two lines ---`);
  const document = parseDocument(yaml, { uniqueKeys: true });
  const [problem] = document.errors;
  if (problem) throw badSkill(source, `the front matter is no YAML: ${problem.message}`);
  const parsed = frontMatter.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (!parsed.success) throw badSkill(source, z.prettifyError(parsed.error));
  const { name, description } = parsed.data;
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return {
    name,
    description,
    instructions: (body ?? '').trim(),
    files: sorted,
    digest: digestOf(sorted),
    source,
  };
}

function digestOf(files: readonly SkillFile[]): string {
  const hash = createHash('sha256');
  for (const { path, bytes, mode } of files) {
    const contents = createHash('sha256').update(bytes).digest('hex');
    hash.update(`${JSON.stringify([path, mode, contents])}\n`);
  }
  return hash.digest('hex');
}

/** The error of a skill that cannot be used. */
export function badSkill(source: string, what: string): SandboxError {
  return new SandboxError('invalid-argument', `skill ${source}: ${what}`, { operation: 'skills' });
}
