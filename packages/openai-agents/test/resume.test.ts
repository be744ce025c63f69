import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { parseRef } from '@gantry/core';
import { directoryStore } from '@gantry/core/node';
import { memoryStore } from '@gantry/core/snapshot';
import { GantrySandboxClient, type GantrySandboxClientOptions } from '@gantry/openai-agents';
import { local } from '@gantry/provider-local';
import { RunState } from '@openai/agents';
import { afterAll, expect, test } from 'vitest';
import { deployingAgent } from './fixtures/deploying-agent.ts';
import { sdk, sdkVersions } from './sdk-versions.ts';
import { scripted, shown, toolOutputs } from './scripted.ts';

const scratch = mkdtempSync(path.join(tmpdir(), 'gantry-agents-resume-'));
const stateDirectory = path.join(scratch, 'state');
const provider = local({ stateDirectory });
const copy = sdk('0.20');
const { run, SandboxAgent } = copy;
const secret = 'a-secret-of-the-first-process';
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A run that waits for an approval, as text. */
async function interrupted(
  options: Partial<GantrySandboxClientOptions>,
  version = '0.20',
): Promise<string> {
  const own = sdk(version);
  const model = scripted(own, [
    ['exec_command', { cmd: 'echo "work of the first process" > work.txt; test -n "$TOKEN"' }],
    ['deploy', {}],
  ]);
  const client = new GantrySandboxClient({ provider, ...options });
  const agent = deployingAgent(own, model, secret);
  const result = await own.run(agent, 'deploy it', { sandbox: { client } });
  expect(result.interruptions).toHaveLength(1);
  return result.state.toString();
}

async function resumed(state: string, snapshots = '', version = '0.20'): Promise<unknown> {
  const file = path.join(scratch, 'run-state.json');
  writeFileSync(file, state);
  const program = path.join(import.meta.dirname, 'fixtures', 'resume-run.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...[program, file, stateDirectory, snapshots, version],
  ]);
  return JSON.parse(stdout);
}

async function sandboxesLeft(): Promise<number> {
  return (await Array.fromAsync(provider.list())).length;
}

const expected = {
  answer: 'done',
  output: 'work of the first process\ntoken: a value of this process\n',
};

test.each(sdkVersions)(
  'another process goes on in the same sandbox, with nothing secret in between: %s',
  async (version) => {
    const state = await interrupted({}, version);
    expect(state).not.toContain(secret);
    expect(await sandboxesLeft()).toBe(1);
    expect(await resumed(state, '', version)).toEqual(expected);
    expect(await sandboxesLeft()).toBe(0);
  },
);

test('another process goes on with the contents where the sandbox is gone', async () => {
  const snapshots = path.join(scratch, 'snapshots');
  const state = await interrupted({ snapshots: directoryStore(snapshots) });
  for await (const { ref } of provider.list()) await provider.destroy(ref);
  expect(await resumed(state, snapshots)).toEqual(expected);
  await expect(resumed(state)).rejects.toThrow(/is gone/);
  expect(await sandboxesLeft()).toBe(0);
});

test('a pause at the end of a run survives it, processes and all', async () => {
  const client = new GantrySandboxClient({ provider, afterRun: 'suspend' });
  const first = scripted(copy, [
    ['exec_command', { cmd: 'echo kept > kept.txt; sleep 1000 & echo $! > pid' }],
  ]);
  const result = await run(new SandboxAgent({ name: 'pausing', model: first }), 'go', {
    sandbox: { client },
  });
  const states = await Array.fromAsync(provider.list());
  expect(states.map(({ state }) => state)).toEqual(['suspended']);

  const saved: unknown = JSON.parse(result.state.toString());
  const { sessionState } = (saved as { sandbox: { sessionState: { providerState: object } } })
    .sandbox;
  const other = new GantrySandboxClient({ provider: local({ stateDirectory }) });
  const state = await other.deserializeSessionState({ ...sessionState.providerState });
  const second = scripted(copy, [['exec_command', { cmd: 'kill -0 $(cat pid) && cat kept.txt' }]]);
  await run(new SandboxAgent({ name: 'going on', model: second }), 'go', {
    sandbox: { client: other, sessionState: state },
  });
  expect(shown(toolOutputs(second)[0])).toBe('kept\n');
  expect(await sandboxesLeft()).toBe(0);
});

test('a run state of a run that is over leads back where the client keeps snapshots', async () => {
  const client = new GantrySandboxClient({ provider, snapshots: memoryStore() });
  const first = scripted(copy, [['exec_command', { cmd: 'echo kept > kept.txt' }]]);
  const agent = new SandboxAgent({ name: 'keeping', model: first });
  const result = await run(agent, 'go', { sandbox: { client } });
  expect(await sandboxesLeft()).toBe(0);

  const state = await RunState.fromString(agent, result.state.toString());
  const { _sandbox: kept } = state;
  const saved = kept?.sessionState;
  expect(saved?.backendId).toBe('gantry:local');
  const session = await client.resume(
    await client.deserializeSessionState({
      ...saved?.providerState,
      ...(saved?.snapshot ? { snapshot: saved.snapshot } : {}),
    }),
  );
  expect(shown(await session.execCommand({ cmd: 'cat kept.txt' }))).toBe('kept\n');
  expect(session.sandbox.origin.how).toBe('rehydrated');
  await session.close();
});

test('what is saved without a way back is not saved, and what is no saved state is refused', async () => {
  const client = new GantrySandboxClient({ provider });
  const agent = new SandboxAgent({ name: 'plain', model: scripted(copy, []) });
  const result = await run(agent, 'go', { sandbox: { client } });
  expect(JSON.parse(result.state.toString())).not.toHaveProperty('sandbox.sessionState');

  const ref = { spec: 'gantry-ref/1', provider: 'local', id: 'x' };
  const spec = 'gantry-openai-agents-session/1';
  for (const record of [{}, { spec }, { spec, ref: { ...ref, id: '../x' } }, { spec: 'x', ref }]) {
    await expect(client.deserializeSessionState(record)).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  }
  const foreign = { ...ref, provider: 'docker' };
  const state = await client.deserializeSessionState({ spec, ref: foreign });
  expect(parseRef(state.ref)).toEqual(foreign);
  await expect(client.resume(state)).rejects.toMatchObject({ code: 'invalid-argument' });
});
