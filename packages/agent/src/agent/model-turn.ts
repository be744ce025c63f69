import {
  generateText,
  type LanguageModel,
  type ModelMessage,
  modelMessageSchema,
  type ToolSet,
} from 'ai';
import { z } from 'zod';

/** What the model is asked with. */
export interface TurnRequest {
  readonly model: LanguageModel;
  readonly instructions: string;
  readonly messages: readonly ModelMessage[];
  readonly tools: ToolSet;
  /** `none`: the tools are told of, since the messages have calls of them, and none may be called. */
  readonly toolChoice: 'auto' | 'none';
  readonly maxRetries: number;
  readonly maxOutputTokens: number | undefined;
  readonly signal: AbortSignal;
}

/** What the model answered: plain JSON, as the journal keeps it. */
export interface Turn {
  readonly messages: readonly ModelMessage[];
  readonly calls: readonly ToolCall[];
  readonly text: string;
  readonly finish: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** A call that the model asks for. */
interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

const turnSchema = z.object({
  messages: z.array(modelMessageSchema),
  calls: z.array(z.object({ id: z.string(), name: z.string(), input: z.json() })),
  text: z.string(),
  finish: z.string(),
  inputTokens: z.number(),
  outputTokens: z.number(),
});

/** Checks a turn, fresh or from a journal. */
export const turnResult: { readonly parse: (value: unknown) => Turn } = {
  parse: (value) => turnSchema.parse(value),
};

/** Asks the model once. A call whose input is no JSON, or of a tool that there is not, is answered by the SDK; it is in `messages`. */
export async function askModel(request: TurnRequest): Promise<Turn> {
  const { model, instructions, messages, tools, toolChoice, maxRetries, maxOutputTokens, signal } =
    request;
  const result = await generateText({
    model,
    instructions,
    messages: [...messages],
    tools,
    toolChoice,
    maxRetries,
    abortSignal: signal,
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
  });
  const turn = {
    messages: result.response.messages,
    calls: result.toolCalls
      .filter((call) => call.invalid !== true && call.providerExecuted !== true)
      .map(({ toolCallId, toolName, ...call }) => {
        const input: unknown = call.input;
        return { id: toolCallId, name: toolName, input: input ?? {} };
      }),
    text: result.text,
    finish: result.finishReason,
    inputTokens: result.usage.inputTokens ?? 0,
    outputTokens: result.usage.outputTokens ?? 0,
  };
  // What is undefined in it is not there for a journal.
  return turnSchema.parse(JSON.parse(JSON.stringify(turn)));
}
