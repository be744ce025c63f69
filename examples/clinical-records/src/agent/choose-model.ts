import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModel } from 'ai';
import { scriptedModel } from './scripted-model.ts';

/** The model that writes the extractor, and how it is told of. */
export interface ChosenModel {
  readonly model: LanguageModel;
  readonly told: string;
}

/** A real model where the environment has a key for one, else the scripted one. The key stays in this process. */
export async function chooseModel(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ChosenModel> {
  const { ANTHROPIC_API_KEY: anthropic, OPENAI_API_KEY: openai, GANTRY_MODEL: name } = environment;
  if (anthropic) {
    const id = name ?? 'claude-sonnet-4-5';
    return { model: createAnthropic({ apiKey: anthropic })(id), told: `model ${id} of Anthropic` };
  }
  if (openai) {
    const id = name ?? 'gpt-5.1';
    return { model: createOpenAI({ apiKey: openai })(id), told: `model ${id} of OpenAI` };
  }
  return {
    model: await scriptedModel(),
    told: "a script plays the model, and writes this example's own extractor: neither ANTHROPIC_API_KEY nor OPENAI_API_KEY is set",
  };
}
