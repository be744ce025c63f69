import type { LanguageModel } from 'ai';

/** A model that the environment has a key for. */
export interface RealModel {
  readonly vendor: 'Anthropic' | 'OpenAI';
  /** As its vendor names it. */
  readonly id: string;
  /** Loads the vendor's part of the AI SDK. The key stays in this process. */
  readonly open: () => Promise<LanguageModel>;
}

/** The model for which the environment has a key: of `ANTHROPIC_API_KEY`, else of `OPENAI_API_KEY`; `GANTRY_MODEL` names another than the default. */
export function realModel(
  environment: Readonly<Record<string, string | undefined>>,
): RealModel | undefined {
  const { ANTHROPIC_API_KEY: anthropic, OPENAI_API_KEY: openai, GANTRY_MODEL: name } = environment;
  if (anthropic) {
    const id = name ?? 'claude-sonnet-4-5';
    return {
      ...{ vendor: 'Anthropic', id },
      open: async () => {
        const { createAnthropic } = await import('@ai-sdk/anthropic');
        return createAnthropic({ apiKey: anthropic })(id);
      },
    };
  }
  if (!openai) return undefined;
  const id = name ?? 'gpt-5.1';
  return {
    ...{ vendor: 'OpenAI', id },
    open: async () => {
      const { createOpenAI } = await import('@ai-sdk/openai');
      return createOpenAI({ apiKey: openai })(id);
    },
  };
}
