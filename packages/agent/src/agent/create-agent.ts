import { SandboxError } from '@gantry/core';
import type { RunScope } from '@gantry/core/harness';
import type { LanguageModel, ModelMessage } from 'ai';
import { composeInstructions } from '../instructions/compose-instructions.ts';
import { familyOf, presentTools } from '../presentation/present-tools.ts';
import type { PresentedTool, ToolFamily } from '../presentation/presented-tool.ts';
import { createToolset } from '../toolset/create-toolset.ts';
import type { Agent, AgentExtension, AgentOptions, AgentResult } from './agent-types.ts';
import { aiOutput, aiTools } from './ai-tools.ts';
import { compacted, contextTokens, summaryRequest, transcriptOf } from './compaction.ts';
import { askModel, type Turn, turnResult } from './model-turn.ts';
import { toolStep } from './tool-step.ts';

const defaultTurns = 100;
const defaultCompactAt = 120_000;
const defaultRetries = 5;
const transcriptTokens = 30_000;
const cutOff = 'Your answer was cut off, since it was too long. Go on, in smaller steps.';

/** Makes an agent: a model, a toolset and a loop whose every turn and call is a step of a durable run. */
export function createAgent(options: AgentOptions): Agent {
  const { maxTurns = defaultTurns } = options;
  if (!Number.isInteger(maxTurns) || maxTurns < 1) {
    throw refused(`maxTurns must be a whole number from 1, not ${maxTurns}`);
  }
  return { run: (run, input) => work(options, maxTurns, run, input) };
}

async function work(
  options: AgentOptions,
  maxTurns: number,
  run: RunScope,
  input: string,
): Promise<AgentResult> {
  const { model } = options;
  const family = options.presentation ?? presentationFor(model);
  // One name per run, so that another process finds the shell as this one left it.
  await using toolset = createToolset(run.sandbox, { ...options.toolset, shellState: 'agent' });
  const extensions: AgentExtension[] = [];
  try {
    for (const extend of options.extensions ?? []) {
      extensions.push(await extend({ run, model, family }));
    }
    const tools = new Map<string, PresentedTool>();
    const extra = extensions.flatMap((extension) => extension.tools ?? []);
    for (const tool of [...presentTools(toolset, family), ...(options.tools ?? []), ...extra]) {
      if (tools.has(tool.name)) throw refused(`there are two tools called ${tool.name}`);
      tools.set(tool.name, tool);
    }
    const instructions = await run.step('instructions', () =>
      composeInstructions(run.sandbox, {
        ...(options.instructions === undefined ? {} : { instructions: options.instructions }),
        ...(options.manifest === undefined ? {} : { manifest: options.manifest }),
        workingDirectory: toolset.parts.workingDirectory,
        sections: extensions.flatMap(({ section }) => (section ? [section] : [])),
      }),
    );
    const conversation = new Conversation(options, run, input, instructions, tools);
    const result = await conversation.toEnd(maxTurns);
    for (const { finish } of extensions) await finish?.(conversation.transcript);
    return result;
  } finally {
    await Promise.all(extensions.map(async ({ close }) => close?.()));
  }
}

/** One task from its first message to the model's last. */
class Conversation {
  readonly #options: AgentOptions;
  readonly #run: RunScope;
  readonly #input: string;
  readonly #instructions: string;
  readonly #tools: ReadonlyMap<string, PresentedTool>;
  readonly #usage = { inputTokens: 0, outputTokens: 0 };
  #messages: ModelMessage[];
  #toolCalls = 0;
  #compactions = 0;

  constructor(
    options: AgentOptions,
    run: RunScope,
    input: string,
    instructions: string,
    tools: ReadonlyMap<string, PresentedTool>,
  ) {
    this.#options = options;
    this.#run = run;
    this.#input = input;
    this.#instructions = instructions;
    this.#tools = tools;
    this.#messages = [{ role: 'user', content: input }];
  }

  get transcript(): string {
    return transcriptOf(this.#messages, transcriptTokens);
  }

  async toEnd(maxTurns: number): Promise<AgentResult> {
    for (let turns = 1; ; turns++) {
      const turn = await this.#ask('model', this.#messages, true);
      this.#messages.push(...turn.messages);
      await this.#call(turn);
      // A call that the SDK answered itself, since there is no such tool, is for the model to mend.
      const answered = turn.messages.at(-1)?.role === 'tool';
      const silent = turn.calls.length === 0 && !answered;
      if (silent && turn.finish === 'content-filter')
        return this.#result(turn.text, 'refused', turns);
      if (silent && turn.finish !== 'length') return this.#result(turn.text, 'finished', turns);
      if (turns >= maxTurns) return this.#result(turn.text, 'max-turns', turns);
      if (silent) this.#messages.push({ role: 'user', content: cutOff });
      await this.#compact(turn);
    }
  }

  async #ask(name: string, messages: readonly ModelMessage[], withTools: boolean): Promise<Turn> {
    const { model, maxRetries = defaultRetries, maxOutputTokens } = this.#options;
    const tools = aiTools([...this.#tools.values()]);
    const toolChoice = withTools ? 'auto' : 'none';
    const instructions = this.#instructions;
    const turn = await this.#run.step(
      name,
      ({ signal }) =>
        askModel({
          model,
          instructions,
          messages,
          tools,
          toolChoice,
          maxRetries,
          maxOutputTokens,
          signal,
        }),
      { effects: 'none', schema: turnResult },
    );
    this.#usage.inputTokens += turn.inputTokens;
    this.#usage.outputTokens += turn.outputTokens;
    return turn;
  }

  /** Calls the tools that a turn asks for, one after another, in its order. */
  async #call({ calls }: Turn): Promise<void> {
    for (const { id, name, input } of calls) {
      const tool = this.#tools.get(name);
      if (!tool) throw refused(`the model called ${name}, which it was not given`);
      const result = await toolStep(this.#run, tool, input);
      this.#toolCalls += 1;
      const part = { toolCallId: id, toolName: name, output: aiOutput(tool, result) } as const;
      this.#messages.push({ role: 'tool', content: [{ type: 'tool-result', ...part }] });
    }
  }

  /** Replaces the conversation by a summary where it has become too long. */
  async #compact({ inputTokens }: Turn): Promise<void> {
    const { compactAtTokens = defaultCompactAt } = this.#options;
    const used = Math.max(inputTokens, contextTokens(this.#messages));
    if (used < compactAtTokens) return;
    const messages = [...this.#messages, { role: 'user', content: summaryRequest } as const];
    const { text } = await this.#ask('compact', messages, false);
    if (text.trim() === '') {
      throw new SandboxError('unknown', 'the model gave no summary of its full context', {
        operation: 'agent.compact',
      });
    }
    this.#compactions += 1;
    this.#messages = [...compacted(this.#input, text)];
  }

  #result(text: string, status: AgentResult['status'], turns: number): AgentResult {
    const [toolCalls, compactions] = [this.#toolCalls, this.#compactions];
    return { text, status, turns, toolCalls, compactions, usage: { ...this.#usage } };
  }
}

function presentationFor(model: LanguageModel): ToolFamily {
  // A name alone goes through a gateway, which takes function tools of every model.
  return typeof model === 'string' ? 'function' : familyOf(model);
}

function refused(what: string): SandboxError {
  return new SandboxError('invalid-argument', `createAgent: ${what}`, { operation: 'createAgent' });
}
