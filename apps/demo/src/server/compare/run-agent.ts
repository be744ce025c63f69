import { createAgent } from '@gantry/agent';
import { realModel } from '@gantry/example-clinical-records/model';
import { AgentSteps } from './agent-steps.ts';
import { modelView } from './model-view.ts';
import type { BranchWorkshop } from './run-branch.ts';
import { scriptedWorker } from './scripted-worker.ts';
import { WatchedScope } from './watched-scope.ts';

const maxTurns = 50;

/** Has an agent work on a task in a branch's sandbox, and tells each of its steps as it happens. */
export async function runAgent(
  task: string,
  { sandbox, signal, since, update }: BranchWorkshop,
): Promise<void> {
  const model = (await realModel(process.env)?.open()) ?? scriptedWorker();
  const steps = new AgentSteps(since, (shown) =>
    update({ agent: { model: modelView(process.env), ...shown } }),
  );
  const agent = createAgent({ model, maxTurns });
  const scope = new WatchedScope(sandbox, signal, steps);
  const { text, status, usage } = await agent.run(scope, task);
  steps.finish({ status, said: text, tokens: usage.inputTokens + usage.outputTokens });
}
