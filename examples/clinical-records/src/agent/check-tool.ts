import { readFile } from 'node:fs/promises';
import type { Tool } from '@gantry/agent';
import { type Files, SandboxError } from '@gantry/core';
import { z } from 'zod';
import type { CatalogDocument } from '../catalog.ts';
import { checkResult } from '../check-result.ts';
import { ExtractionFailure } from '../extraction-failure.ts';
import { largestResult } from '../record-schema.ts';

/** What a sample is called in the workspace. */
export function sampleName({ name }: CatalogDocument): string {
  return name.replaceAll(/[^\w.-]/g, '-');
}

/** A tool of the host's: it looks every value of the results up in the samples, as the job does at the end. */
export function checkTool(files: Files, samples: readonly CatalogDocument[]): Tool {
  return {
    name: 'check_results',
    description:
      'Checks results/NAME.json of every sample against the sample, on the host, and says what does not hold.',
    input: z.object({}),
    effects: 'none',
    async execute(_input, { signal } = {}) {
      const lines: string[] = [];
      let wrong = 0;
      for (const sample of samples) {
        const problem = await check(files, sample, signal);
        if (problem !== undefined) wrong += 1;
        lines.push(`${sampleName(sample)}: ${problem ?? 'verified'}`);
      }
      return { content: [{ type: 'text', text: lines.join('\n') }], isError: wrong > 0 };
    },
  };
}

/** What is wrong with a sample's result, or undefined. */
async function check(
  files: Files,
  sample: CatalogDocument,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    const result = await files.readBytes(`results/${sampleName(sample)}.json`, {
      length: largestResult + 1,
      ...(signal ? { signal } : {}),
    });
    checkResult(result, await readFile(sample.file), sample);
    return undefined;
  } catch (error) {
    const mendable =
      error instanceof ExtractionFailure || (SandboxError.is(error) && 'path' in error.details);
    if (!mendable) throw error;
    return error.message.slice(0, 1000);
  }
}
