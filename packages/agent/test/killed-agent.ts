import { appendFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createHarness, sqliteJournal } from '@gantry/core/harness';
import { directoryStore } from '@gantry/core/node';
import { local } from '@gantry/provider-local';
import { z } from 'zod';
import { createAgent, type Tool } from '../src/index.ts';
import { scriptedModel } from './scripted-model.ts';

// One process of a durable agent, which ends itself as a crash would when its log has so many lines.

const [directory = '', dieAt = ''] = process.argv.slice(2);
const log = path.join(directory, 'log');

/** Writes down what really happens, outside of every sandbox, and dies where it is to. */
function happened(what: string): void {
  appendFileSync(log, `${what}\n`);
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n').length;
  if (lines === Number(dieAt)) process.kill(process.pid, 'SIGKILL');
}

const add: Tool = {
  name: 'add',
  description: 'Adds a line to the log of the workspace.',
  input: z.object({ line: z.string() }),
  effects: 'workspace',
  execute: () => Promise.reject(new Error('set by the run')),
};

const turns = 6;
const model = scriptedModel((options) => {
  const index = options.prompt.filter(({ role }) => role === 'assistant').length;
  happened(`turn ${index}`);
  if (index === turns) return 'all done';
  return [
    { tool: 'add', input: { line: `a${index}` } },
    {
      tool: 'shell',
      input: {
        command: `echo s${index} >> lines; cd /workspace; export N=${index}`,
        yield_ms: 60_000,
      },
    },
    { tool: 'add', input: { line: `b${index}` } },
  ];
});

const journal = sqliteJournal(path.join(directory, 'journal'));
const harness = createHarness({
  journal,
  providers: { local: local() },
  store: directoryStore(path.join(directory, 'store')),
});
const outcome = await harness.run('agent', { id: 'agent' }, async (run) => {
  const tool: Tool = {
    ...add,
    async execute(input) {
      const { line } = z.object({ line: z.string() }).parse(input);
      await run.sandbox.exec(`echo ${line} >> lines`);
      happened(`call ${line}`);
      return { content: [{ type: 'text', text: `added ${line}` }], isError: false };
    },
  };
  const result = await createAgent({ model, tools: [tool] }).run(run, 'add lines');
  const lines = await run.step(
    'lines',
    async () => (await run.sandbox.exec('cat lines')).stdout.text,
  );
  return { result, lines };
});
process.stdout.write(JSON.stringify(outcome));
await journal.close();
