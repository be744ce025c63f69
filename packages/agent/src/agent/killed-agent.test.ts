import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { testDirectory } from '../../test/agent-workshop.ts';

const worker = path.join(import.meta.dirname, '../../test/killed-agent.ts');
const execute = promisify(execFile);

/** What one process printed, or how it was killed. */
function run(directory: string, dieAt: number): Promise<string> {
  return execute(process.execPath, [worker, directory, String(dieAt)]).then(
    ({ stdout }) => stdout,
    (error: { signal?: string; stderr?: string }) => {
      if (error.signal !== 'SIGKILL') throw new Error(error.stderr);
      return 'killed';
    },
  );
}

test('an agent that is killed again and again ends as one that was not, and repeats no finished call', async () => {
  const directory = testDirectory();
  let kills = 0;
  let printed = 'killed';
  // Each process gets at least three lines further: the first may be what was under way when the one before died.
  for (let dieAt = 3; printed === 'killed'; dieAt += 4) {
    printed = await run(directory, dieAt);
    if (printed === 'killed') kills += 1;
  }
  expect(kills).toBeGreaterThanOrEqual(4);
  const { status, value } = JSON.parse(printed) as {
    status: string;
    value: { result: object; lines: string };
  };
  expect(status).toBe('finished');
  expect(value.result).toMatchObject({ text: 'all done', turns: 7, toolCalls: 18 });
  const expected = Array.from({ length: 6 }, (_, index) => `a${index}\ns${index}\nb${index}\n`);
  expect(value.lines).toBe(expected.join(''));
  // Only what was under way at a kill may have happened twice.
  const log = readFileSync(path.join(directory, 'log'), 'utf8').trimEnd().split('\n');
  const repeated = log.length - new Set(log).size;
  expect(new Set(log).size).toBe(19);
  expect(repeated).toBeLessThanOrEqual(kills);
});
