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
   * `workspace`: it works in a clone of the workspace, which takes the workspace's place when it has finished. `fresh`: in a
   * sandbox of `sandbox`, of which only what it says comes back. Default `workspace`.
   */
  readonly from?: 'workspace' | 'fresh';
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
 * Gives an agent a tool that hands a task to another agent, in a sandbox of its own. Needs a run (branches cannot branch) and,
 * for `workspace`, a harness with a store. What fails there leaves the workspace as it was.
 */
export function subagent(options: SubagentOptions): AgentExtender {
  const { name = 'delegate', from = 'workspace' } = options;
  return ({ run }) => {
    if (!isRun(run)) {
      const message = `subagent ${name}: a branch cannot branch again; give it to the agent of the run itself`;
      throw new SandboxError('failed-precondition', message, { operation: 'subagent' });
    }
    const what =
      from === 'workspace'
        ? 'It works on a copy of the files, and its changes come back when it has finished. Commands of yours that still run end then.'
        : 'It has a sandbox of its own, and only what it says comes back.';
    const tool: PresentedTool = {
      name,
      description: `Hands a task to another agent. ${what}${options.description === undefined ? '' : ` ${options.description}`}`,
      input: taskInput,
      effects: 'workspace',
      execute: () => Promise.reject(new Error('a subagent is no step; use perform')),
      perform: (input) => delegate(run, name, from, options, input),
    };
    return Promise.resolve({ tools: [tool] });
  };
}

async function delegate(
  run: Run,
  name: string,
  from: 'workspace' | 'fresh',
  { agent, sandbox, attempts = 3 }: SubagentOptions,
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
      ...(from === 'workspace' ? { keep: 'snapshot' } : {}),
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
  if (from === 'workspace') await run.adopt(`${name} merge`, result);
  const kept = from === 'workspace' ? '\n[its changes are in the workspace]' : '';
  return said(`${shorten(text, answerTokens)}${kept}`, false);
}

function said(text: string, isError: boolean): ToolResult {
  return { content: [{ type: 'text', text: text.toWellFormed() }], isError };
}

function isRun(run: RunScope): run is Run {
  return 'fanOut' in run;
}
