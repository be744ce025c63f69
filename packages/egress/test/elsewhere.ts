// A process of its own that works on sandboxes behind withEgress: `node elsewhere.ts TASK`, a task as JSON. Prints JSON.
import { execFile } from 'node:child_process';
import {
  type Manifest,
  type NetworkPolicy,
  type Provider,
  parseRef,
  type SandboxRef,
} from '@gantry/core';
import { docker } from '@gantry/provider-docker';
import { local } from '@gantry/provider-local';
import { withEgress } from '../src/index.ts';
import { type Attempt, attempt } from './guest.ts';
import { lookup } from './upstream.ts';

/** How a provider is made, in any process. */
export interface ProviderPlan {
  readonly local?: { readonly stateDirectory: string };
  readonly docker?: { readonly host: string; readonly image: string };
  readonly egressDirectory: string;
  readonly authority: string;
}

/** The provider of a plan without its proxy. */
export function plainProvider({ local: own, docker: daemon }: ProviderPlan): Provider {
  return daemon ? docker(daemon) : local(own ?? {});
}

interface Task {
  readonly plan: ProviderPlan;
  /** Made, and its process killed. */
  readonly create?: Manifest;
  /** Connected to. */
  readonly ref?: SandboxRef;
  readonly policy?: NetworkPolicy;
  readonly attempts?: readonly Attempt[];
}

/** What another process says of a task. */
export interface Report {
  readonly ref?: SandboxRef;
  readonly outcomes?: readonly string[];
}

/** Has another process do a task. */
export function elsewhere(task: Task): Promise<Report> {
  const args = [import.meta.filename, JSON.stringify(task)];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      // One that was killed has said what it had to.
      if (stdout === '') reject(new Error(`${error?.message} ${stderr}`));
      else resolve(JSON.parse(stdout) as Report);
    });
  });
}

async function perform({ plan, create, ref, policy, attempts = [] }: Task): Promise<Report> {
  const provider = withEgress(plainProvider(plan), {
    ...{ stateDirectory: plan.egressDirectory, authorities: [plan.authority] },
    lookup,
  });
  if (create)
    return { ref: (await provider.create({ manifest: create, maxLifetimeMs: 600_000 })).ref };
  const sandbox = await provider.connect(parseRef(ref));
  if (policy) await sandbox.setNetwork(policy);
  const outcomes = [...(await attempt(sandbox, attempts)).values()];
  await sandbox.release();
  return { outcomes };
}

if (process.argv[1] === import.meta.filename) {
  const task = JSON.parse(process.argv[2] ?? '') as Task;
  process.stdout.write(`${JSON.stringify(await perform(task))}\n`, () => {
    process.kill(process.pid, 'SIGKILL');
  });
}
