import { randomUUID } from 'node:crypto';
import { type Sandbox, SandboxError } from '@gantry/core';
import type {
  Artifact,
  RunSandbox,
  RunScope,
  StepContext,
  StepOptions,
} from '@gantry/core/harness';
import { z } from 'zod';
import type { AgentSteps } from './agent-steps.ts';

const toolAnswer = z.object({
  content: z.array(
    z.union([
      z.object({ type: z.literal('text'), text: z.string() }),
      z.object({ type: z.literal('image'), mediaType: z.string() }),
    ]),
  ),
  isError: z.boolean(),
});
const modelAnswer = z.object({ text: z.string() });

/**
 * A sandbox that is there already, as an agent works in one: each turn of its model and each call of a tool is told, and nothing
 * is recorded to go on from. What it may do is what the sandbox allows.
 */
export class WatchedScope implements RunScope {
  readonly sandbox: RunSandbox;
  readonly signal: AbortSignal;
  readonly #steps: AgentSteps;

  constructor(sandbox: Sandbox, signal: AbortSignal, steps: AgentSteps) {
    this.signal = signal;
    this.#steps = steps;
    this.sandbox = {
      ...sandbox.restricted(),
      ref: () => Promise.resolve(sandbox.ref),
      receipt: () => Promise.resolve(undefined),
      collect: (destination, options) => sandbox.collect(destination, options),
    };
  }

  async step<Value>(
    name: string,
    work: (context: StepContext) => Value | Promise<Value>,
    { schema }: StepOptions<Value> = {},
  ): Promise<Value> {
    this.signal.throwIfAborted();
    const context: StepContext = {
      ...{ attempt: 1, idempotencyKey: randomUUID(), signal: this.signal },
      tool: (tool, input, call) => this.#watch('tool', tool, call, inputText(input)),
    };
    // Calls of tools tell of themselves, by the tool's own name; what is left are the turns of the model.
    const isTurn = name === 'model' || name === 'compact';
    const value = await (isTurn ? this.#watch('model', name, () => work(context)) : work(context));
    return schema ? schema.parse(value) : value;
  }

  decide<Value>(
    name: string,
    _inputs: unknown,
    choose: (context: StepContext) => Value | Promise<Value>,
    options?: StepOptions<Value>,
  ): Promise<Value> {
    return this.step(name, choose, options);
  }

  artifact(path: string): Promise<Artifact> {
    const message = `${path}: a branch of a comparison keeps its files as a snapshot, not one by one`;
    return Promise.reject(new SandboxError('unsupported', message, { operation: 'artifact' }));
  }

  async #watch<Value>(
    kind: 'model' | 'tool',
    name: string,
    call: () => Value | Promise<Value>,
    input?: string,
  ): Promise<Value> {
    const end = this.#steps.begin(kind, name, input);
    try {
      const value = await call();
      end(kind === 'tool' ? ofTool(value) : ofModel(value));
      return value;
    } catch (error) {
      end({ output: error instanceof Error ? error.message : String(error), failed: true });
      throw error;
    }
  }
}

function ofTool(value: unknown): { readonly output: string; readonly failed: boolean } {
  const { content, isError } = toolAnswer.parse(value);
  const texts = content.map((part) => (part.type === 'text' ? part.text : `[${part.mediaType}]`));
  return { output: texts.join('\n'), failed: isError };
}

function ofModel(value: unknown): { readonly output: string } {
  return { output: modelAnswer.parse(value).text };
}

/** A call's input for people: a command as it is, anything else name by name. */
function inputText(input: unknown): string {
  if (typeof input !== 'object' || input === null) return JSON.stringify(input);
  if ('command' in input && typeof input.command === 'string' && !('path' in input))
    return `$ ${input.command}`;
  return Object.entries(input)
    .map(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      return text.includes('\n') ? `${name}:\n${text}` : `${name}: ${text}`;
    })
    .join('\n');
}
