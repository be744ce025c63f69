import { SandboxError } from '@gantry/core';
import type { FanOutOptions, Run, RunScope } from '@gantry/core/harness';
import { z } from 'zod';
import type { Agent, AgentExtender, AgentResult } from '../agent/agent-types.ts';
import type { PresentedTool } from '../presentation/presented-tool.ts';
import { shorten } from '../toolset/shorten.ts';
import type { ToolResult } from '../toolset/tool.ts';

/** An agent that another one hands tasks to. */
export interface SubagentOptions {
  /** The name of the tool. Default `delegate`. */
  readonly name?: string;
  /** For the model: what it is good at. */
  readonly description?: string;
  readonly agent: Agent;
  /**
   * `workspace`: it works in a clone of the workspace. `fresh`: in a sandbox of `sandbox`. Default `workspace`.
   */
  readonly from?: 'workspace' | 'fresh';
  /**
   * `merge`: what it did to its workspace is done to this one when it has finished; where both changed one path in different ways,
   * nothing is. `leave`: only what it says comes back. Default `merge`.
   */
  readonly changes?: 'merge' | 'leave';
  /** For `fresh`. Default: as the run's own. */
  readonly sandbox?: Exclude<FanOutOptions<string>['sandbox'], (...all: never) => unknown>;
  /** How often a sandbox that is lost is replaced. Default 3. */
  readonly attempts?: number;
}

const taskInput = z.object({
  task: z
    .string()
    .min(1)
    .describe('Everything that it must know: it sees the files, and nothing of this conversation.'),
});
const answerTokens = 4_000;

/**
 * Gives an agent a tool that hands a task to another agent, in a sandbox of its own. Needs a run (branches cannot branch) and a
 * harness with a store; without a store there is only `from: 'fresh', changes: 'leave'`. What fails there, and what conflicts,
 * leaves the workspace as it was.
 */
export function subagent(options: SubagentOptions): AgentExtender {
  const { name = 'delegate', from = 'workspace', changes = 'merge' } = options;
  return ({ run }) => {
    if (!isRun(run)) {
      const message = `subagent ${name}: a branch cannot branch again; give it to the agent of the run itself`;
      throw new SandboxError('failed-precondition', message, { operation: 'subagent' });
    }
    const where =
      from === 'workspace'
        ? 'It works on a copy of the files'
        : 'It has a sandbox of its own that begins anew, without what you did';
    const back =
      changes === 'merge'
        ? 'its changes come back when it has finished. Commands of yours that still run end then.'
        : 'only what it says comes back.';
    const what = `${where}, and ${back}`;
    const tool: PresentedTool = {
      name,
      description: `Hands a task to another agent. ${what}${options.description === undefined ? '' : ` ${options.description}`}`,
      input: taskInput,
      effects: 'workspace',
      execute: () => Promise.reject(new Error('a subagent is no step; use perform')),
      perform: (input) => delegate(run, name, options, input),
    };
    return Promise.resolve({ tools: [tool] });
  };
}

async function delegate(
  run: Run,
  name: string,
  { agent, sandbox, attempts = 3, from = 'workspace', changes = 'merge' }: SubagentOptions,
  input: unknown,
): Promise<ToolResult> {
  const parsed = taskInput.safeParse(input);
  if (!parsed.success)
    return said(`The input of ${name} does not fit:\n${z.prettifyError(parsed.error)}`, true);
  const [result] = await run.fanOut<string, AgentResult>(
    name,
    [parsed.data.task],
    (branch, task) => agent.run(branch, task),
    {
      from,
      attempts,
      ...(changes === 'merge' ? { keep: 'changes' } : {}),
      ...(sandbox === undefined ? {} : { sandbox }),
    },
  );
  if (result?.status !== 'fulfilled') {
    return said(
      `It failed, and nothing of it was kept: ${result?.reason.message ?? 'no result'}`,
      true,
    );
  }
  const { text, status } = result.value;
  if (status !== 'finished') {
    const why =
      status === 'refused'
        ? 'Its model refused'
        : `It was not done after ${result.value.turns} turns`;
    return said(
      `${why}, and nothing of it was kept. It said last: ${shorten(text, answerTokens)}`,
      true,
    );
  }
  const answer = shorten(text, answerTokens);
  if (changes === 'leave') return said(answer, false);
  const merged = await run.merge(`${name} merge`, result);
  if (merged.conflicts.length === 0) {
    return said(`${answer}\n[its changes are in the workspace: ${merged.changes} paths]`, false);
  }
  const paths = shorten(merged.conflicts.join(', '), answerTokens);
  return said(
    `It has finished, but nothing of its changes was taken, since the workspace has others of the same paths: ${paths}. Move yours away or ask for other paths, and hand it on again. It said: ${answer}`,
    true,
  );
}

function said(text: string, isError: boolean): ToolResult {
  return { content: [{ type: 'text', text: text.toWellFormed() }], isError };
}

function isRun(run: RunScope): run is Run {
  return 'fanOut' in run;
}
