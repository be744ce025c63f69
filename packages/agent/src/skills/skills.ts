import { type Files, SandboxError } from '@gantry/core';
import { z } from 'zod';
import type { AgentExtender } from '../agent/agent-types.ts';
import { defineTool } from '../toolset/define-tool.ts';
import type { Tool } from '../toolset/tool.ts';
import { ToolFailure } from '../toolset/tool-failure.ts';
import { type FoundSkills, readSkills, type SkillSource } from './read-skills.ts';

/** Where the files of a skill that was loaded are, relative to the workspace. */
const skillsDirectory = '.skills';

const recordedSkills = z.array(
  z.object({
    name: z.string(),
    description: z.string(),
    digest: z.string(),
    source: z.string(),
    /** Which of the sources it is of. */
    from: z.int(),
    commit: z.string().exactOptional(),
  }),
);
type RecordedSkill = z.output<typeof recordedSkills>[number];

/**
 * Gives an agent skills. It is told each one's name and description; `load_skill` puts the files into the workspace and tells
 * the instructions. Digests, and commits of git repositories, are recorded when the run begins: a skill that has changed since is
 * refused.
 */
export function skills(...sources: readonly SkillSource[]): AgentExtender {
  return async ({ run }) => {
    const reader = skillReader(sources, run.sandbox.files);
    const inWorkspace = sources.some((source) => 'workspace' in source);
    const known = await run.step('skills', () => listAll(sources, reader), {
      schema: recordedSkills,
      effects: inWorkspace ? 'workspace' : 'none',
    });
    const lines = known.map(({ name, description }) => `- ${name}: ${description}`);
    const text = `When one of these fits what you do, call load_skill with its name first.\n${lines.join('\n')}`;
    return {
      tools: [loadTool(known, reader, run.sandbox.files)],
      section: { title: 'Skills', text },
    };
  };
}

function loadTool(known: readonly RecordedSkill[], reader: SkillReader, files: Files): Tool {
  return defineTool({
    name: 'load_skill',
    description: 'Tells how to do what a skill is for, and puts its files into the workspace.',
    input: z.object({ name: z.string() }),
    effects: 'workspace',
    async execute({ name }, { signal }) {
      const recorded = known.find((each) => each.name === name);
      if (!recorded) {
        const names = known.map((each) => each.name).join(', ');
        throw new ToolFailure(`There is no skill ${JSON.stringify(name)}; there are: ${names}.`);
      }
      // Read again, by whatever process this is; it must be what was there when the run began.
      const { skills: found } = await reader(recorded.from, recorded.commit);
      const skill = found.find((each) => each.name === name);
      if (skill?.digest !== recorded.digest) throw changed(recorded);
      const folder = `${skillsDirectory}/${name}`;
      for (const { path, bytes, mode } of skill.files) {
        await files.write(`${folder}/${path}`, bytes, { mode, ...(signal ? { signal } : {}) });
      }
      const others = skill.files.map(({ path }) => path).filter((path) => path !== 'SKILL.md');
      const where = `Its files are in ${folder}${others.length === 0 ? '' : `: ${others.join(', ')}`}.`;
      const text = `${skill.instructions}\n\n${where}`;
      const { digest, source } = skill;
      return { content: [{ type: 'text', text }], details: { skill: name, digest, source } };
    },
  });
}

/** Reads one of the sources. A commit that was fetched is not fetched again. */
type SkillReader = (index: number, commit?: string) => Promise<FoundSkills>;

function skillReader(sources: readonly SkillSource[], files: Files): SkillReader {
  const fetched = new Map<number, FoundSkills>();
  return async (index, commit) => {
    const kept = fetched.get(index);
    if (kept && kept.commit === commit) return kept;
    const source = sources[index];
    if (!source) throw missingSource(index);
    const found = await readSkills(source, files, commit);
    if (found.commit !== undefined) fetched.set(index, found);
    return found;
  };
}

async function listAll(
  sources: readonly SkillSource[],
  reader: SkillReader,
): Promise<RecordedSkill[]> {
  const read = await Promise.all(sources.map((_, index) => reader(index)));
  const all = read.flatMap(({ skills: found, commit }, from) =>
    found.map(({ name, description, digest, source }) => ({
      ...{ name, description, digest, source, from },
      ...(commit === undefined ? {} : { commit }),
    })),
  );
  const twice = all.find(
    (skill, index) => all.findIndex(({ name }) => name === skill.name) < index,
  );
  if (!twice) return all;
  throw new SandboxError(
    'invalid-argument',
    `skills: there are two called ${twice.name}; the second is from ${twice.source}`,
    { operation: 'skills' },
  );
}

function missingSource(index: number): SandboxError {
  const message = `skills: the run began with a source number ${index + 1}, which is not given any more`;
  return new SandboxError('failed-precondition', message, { operation: 'skills' });
}

function changed({ name, source, digest }: RecordedSkill): SandboxError {
  return new SandboxError(
    'failed-precondition',
    `skill ${name} of ${source} is not what it was when the run began (${digest.slice(0, 12)}); put it back, or begin a new run`,
    { operation: 'skills', details: { reason: 'skill-changed', skill: name } },
  );
}
