import type { LanguageModel } from 'ai';
import { realModel } from './real-model.ts';
import { scriptedModel } from './scripted-model.ts';

/** The model that writes the extractor, and how it is told of. */
export interface ChosenModel {
  readonly model: LanguageModel;
  readonly told: string;
}

/** A real model where the environment has a key for one, else the scripted one. */
export async function chooseModel(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ChosenModel> {
  const real = realModel(environment);
  if (real) return { model: await real.open(), told: `model ${real.id} of ${real.vendor}` };
  return {
    model: await scriptedModel(),
    told: "a script plays the model, and writes this example's own extractor: neither ANTHROPIC_API_KEY nor OPENAI_API_KEY is set",
  };
}
