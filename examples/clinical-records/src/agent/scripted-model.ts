import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LanguageModel } from 'ai';
import { playScript, type ScriptedTurn } from './play-script.ts';

const guest = fileURLToPath(new URL('../guest', import.meta.url));
const extension = path.extname(fileURLToPath(import.meta.url));

/**
 * A model that does by rote what a real one is asked to think of: it reads the task, writes the extractor that this example
 * comes with, runs it on every sample, has each result checked, and ends.
 */
export async function scriptedModel(): Promise<LanguageModel> {
  const names = (await readdir(guest)).filter(
    (name) => name.endsWith(extension) && !/\.test\.|\.d\.ts$/.test(name),
  );
  const files = await Promise.all(
    names.map(async (name) => ({
      path: `extractor/${name}`,
      content: await readFile(path.join(guest, name), 'utf8'),
    })),
  );
  const runAll = `mkdir -p results && for f in samples/*; do ./tools/node extractor/extract${extension} "$f" "results/\${f#samples/}.json" || exit 1; done; ls results`;
  const turns: readonly ScriptedTurn[] = [
    [
      { tool: 'read_file', input: { path: 'TASK.md' } },
      { tool: 'list_files', input: { depth: 2 } },
    ],
    files.map((file) => ({ tool: 'write_file', input: file })),
    [{ tool: 'shell', input: { command: runAll, yield_ms: 120_000 } }],
    [{ tool: 'check_results', input: {} }],
    'The extractor is in extractor/, and the host verified its result for every sample.',
  ];
  return playScript((_prompt, index) => {
    const turn = turns[index];
    if (turn === undefined) throw new Error(`the script has no turn ${index}`);
    return turn;
  });
}
