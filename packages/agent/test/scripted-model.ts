import { MockLanguageModelV4 } from 'ai/test';

/** One turn of a script: what the model says, or the tools that it calls. */
export type ScriptedTurn = string | readonly ScriptedCall[] | { readonly cutOff: string };

/** A call of a tool in a script. */
export interface ScriptedCall {
  readonly tool: string;
  readonly input: unknown;
}

/** What a scripted model is told and tells, for tests that look at it. */
export type Prompt = Parameters<MockLanguageModelV4['doGenerate']>[0];

/**
 * A model whose turns are written down. Which turn it is told by the messages alone, as a real model would: it may be asked by
 * any process.
 */
export function scriptedModel(
  turns: readonly ScriptedTurn[] | ((prompt: Prompt) => ScriptedTurn),
  provider = 'scripted',
  inputTokens = 10,
): MockLanguageModelV4 {
  return new MockLanguageModelV4({
    provider,
    doGenerate: async (options) => {
      const index = options.prompt.filter(({ role }) => role === 'assistant').length;
      const turn = typeof turns === 'function' ? turns(options) : turns[index];
      if (turn === undefined) throw new Error(`the script has no turn ${index}`);
      const calls = typeof turn === 'string' || 'cutOff' in turn ? [] : turn;
      const text = typeof turn === 'string' ? turn : 'cutOff' in turn ? turn.cutOff : undefined;
      return {
        content:
          text !== undefined
            ? [{ type: 'text', text }]
            : calls.map(({ tool, input }, call) => ({
                type: 'tool-call',
                toolCallId: `call-${index}-${call}`,
                toolName: tool,
                input: JSON.stringify(input),
              })),
        finishReason:
          text === undefined
            ? { unified: 'tool-calls', raw: undefined }
            : { unified: typeof turn === 'string' ? 'stop' : 'length', raw: undefined },
        usage: {
          inputTokens: { total: inputTokens, noCache: inputTokens, cacheRead: 0, cacheWrite: 0 },
          outputTokens: { total: 5, text: 5, reasoning: 0 },
        },
        warnings: [],
      };
    },
  });
}
