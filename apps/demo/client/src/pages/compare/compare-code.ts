import type { BranchView, ComparisonView } from '../../../../src/protocol/compare.ts';
import { providerImport, quote } from '../../parts/action-code.ts';
import type { ActionCode } from '../../parts/copy-as-code.tsx';

/** A program that does what this comparison does, with the snapshots of a directory. */
export function compareCode(comparison: ComparisonView, store: string): ActionCode {
  const { branches } = comparison;
  const hasAgent = branches.some(({ task }) => task !== undefined);
  return {
    what: 'fork and compare',
    typescript: hasAgent ? agentCode(comparison, store) : commandCode(comparison, store),
  };
}

function imports(branches: readonly BranchView[]): string {
  const providers = new Map(branches.map(({ provider, emulated }) => [provider, emulated]));
  return [...providers].map(([provider, emulated]) => providerImport(provider, emulated)).join('');
}

function commandCode({ snapshot, branches }: ComparisonView, store: string): string {
  const list = branches
    .map(
      ({ provider, command = '' }) => `  { provider: ${provider}(), command: ${quote(command)} },`,
    )
    .join('\n');
  return `import { directoryStore } from '@gantry/core/node';
import { diffSnapshots } from '@gantry/core/snapshot';
${imports(branches)}
const store = directoryStore(${quote(store)});
const base = '${snapshot}';
const branches = [
${list}
];
await Promise.all(
  branches.map(async ({ provider, command }) => {
    await using sandbox = await provider.rehydrate(base, store);
    const { stdout, exit } = await sandbox.exec(command);
    const after = await sandbox.snapshot(store, { parent: base });
    console.log(exit, stdout.text);
    for await (const change of diffSnapshots(base, after.id, store)) console.log(change.kind, change.path);
  }),
);
`;
}

/** Agents as a durable run has them: killed and started again, the program goes on where it was. */
function agentCode({ snapshot, branches }: ComparisonView, store: string): string {
  const list = branches
    .map(({ provider, task, command = '' }) => {
      const work = task === undefined ? `command: ${quote(command)}` : `task: ${quote(task)}`;
      return `  { provider: '${provider}', ${work} },`;
    })
    .join('\n');
  const providers = [...new Set(branches.map(({ provider }) => provider))];
  const hasCommand = branches.some(({ command }) => command !== undefined);
  const work = hasCommand
    ? `async (branch, item) => {
      if ('task' in item) return (await agent.run(branch, item.task)).text;
      return branch.step('command', async () => (await branch.sandbox.exec(item.command)).stdout.text);
    }`
    : `async (branch, { task }) => (await agent.run(branch, task)).text`;
  return `import { createAgent } from '@gantry/agent';
import { createHarness, sqliteJournal } from '@gantry/core/harness';
import { directoryStore } from '@gantry/core/node';
import { diffSnapshots } from '@gantry/core/snapshot';
${imports(branches)}${modelImport(branches)}
const store = directoryStore(${quote(store)});
const base = '${snapshot}';
const branches = [
${list}
];
const agent = createAgent({ model, maxTurns: 50 });
const journal = sqliteJournal('journal');
const providers = { ${providers.map((provider) => `${provider}: ${provider}()`).join(', ')} };
const harness = createHarness({ journal, providers, store });
await harness.run('compare', {}, async (run) => {
  const results = await run.fanOut(
    'branches',
    branches,
    ${work},
    { from: { snapshot: base }, keep: 'snapshot', route: ({ provider }) => [provider] },
  );
  for (const result of results) {
    console.log(result.status === 'fulfilled' ? result.value : result.reason);
    if (result.status === 'rejected' || result.snapshot === undefined) continue;
    for await (const change of diffSnapshots(base, result.snapshot, store)) console.log(change.kind, change.path);
  }
});
await journal.close();
`;
}

function modelImport(branches: readonly BranchView[]): string {
  const model = branches.find(({ agent }) => agent)?.agent?.model;
  const isOpenAI = model?.vendor === 'OpenAI';
  const factory = isOpenAI ? 'openai' : 'anthropic';
  const variable = isOpenAI ? 'OPENAI_API_KEY' : 'ANTHROPIC_API_KEY';
  const isScripted = model?.vendor === undefined;
  const hint = isScripted
    ? `// On the page a script stood in for the model, since the server has no key for one. This asks a real one: it needs ${variable}.\n`
    : `// Needs ${variable}.\n`;
  const id = isScripted ? 'claude-sonnet-4-5' : model.id;
  return `import { ${factory} } from '@ai-sdk/${factory}';\n\n${hint}const model = ${factory}('${id}');\n`;
}
