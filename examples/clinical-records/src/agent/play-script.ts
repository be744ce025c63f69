import type { LanguageModel } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';

/** One turn of a script: the tools that it calls, or what it says last. */
export type ScriptedTurn = readonly { readonly tool: string; readonly input: object }[] | string;

/** All that was said so far, as a real model is told it. */
export type Prompt = Parameters<MockLanguageModelV4['doGenerate']>[0]['prompt'];

/** A script in the place of a model, called `scripted`. Its turns are made of what was said so far alone, so that any process may ask for the next. */
export function playScript(
  nextTurn: (prompt: Prompt, index: number) => ScriptedTurn,
): LanguageModel {
  return new MockLanguageModelV4({
    provider: 'scripted',
    modelId: 'scripted',
    doGenerate: async ({ prompt }) => {
      const index = prompt.filter(({ role }) => role === 'assistant').length;
      const turn = nextTurn(prompt, index);
      const calls = typeof turn === 'string' ? [] : turn;
      const parts = calls.map(({ tool, input }, call) => ({
        type: 'tool-call' as const,
        toolCallId: `call-${index}-${call}`,
        toolName: tool,
        input: JSON.stringify(input),
      }));
      return {
        content: typeof turn === 'string' ? [{ type: 'text', text: turn }] : parts,
        finishReason: { unified: calls.length > 0 ? 'tool-calls' : 'stop', raw: undefined },
        usage: {
          inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
          outputTokens: { total: 0, text: 0, reasoning: 0 },
        },
        warnings: [],
      };
    },
  });
}
