import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { HarnessV1, HarnessV1SandboxProvider } from '@ai-sdk/harness';
import { HarnessAgent } from '@ai-sdk/harness/agent';
import { harnessSandboxProvider, networkSandboxSession } from '@gantry/ai-sdk/harness';
import { SandboxError } from '@gantry/core';
import { memoryStore } from '@gantry/core/snapshot';
import { local } from '@gantry/provider-local';
import { afterAll, expect, test } from 'vitest';

const stateDirectory = mkdtempSync(path.join(tmpdir(), 'gantry-harness-'));
const provider = local({ stateDirectory });
afterAll(() => rmSync(stateDirectory, { recursive: true, force: true }));

async function states(): Promise<string[]> {
  return (await Array.fromAsync(provider.list())).map(({ state }) => state);
}

/** An adapter that does nothing but leave a line in its directory at each start. */
const harness: HarnessV1 = {
  specificationVersion: 'harness-v1',
  harnessId: 'noting',
  builtinTools: {},
  getBootstrap: async () => ({
    ...{ harnessId: 'noting', bootstrapDir: 'set-up' },
    files: [{ path: 'set-up/tool.sh', content: 'echo tool' }],
    commands: [{ command: 'echo prepared >> log' }],
  }),
  async doStart({ sessionId, sandboxSession, sessionWorkDir, resumeFrom }) {
    await sandboxSession.run({ command: `echo started >> ${sessionWorkDir}/starts` });
    const state = { harnessId: 'noting', specificationVersion: 'harness-v1', data: null } as const;
    const never = async (): Promise<never> => {
      throw new Error('this adapter has no turns');
    };
    return {
      ...{ sessionId, isResume: resumeFrom !== undefined },
      ...{ doPromptTurn: never, doCompact: never, doContinueTurn: never, doSuspendTurn: never },
      doDetach: async () => ({ ...state, type: 'resume-session' }),
      doStop: async () => ({ ...state, type: 'resume-session' }),
      doDestroy: async () => undefined,
    };
  },
};

/** The same provider, which tells what it has made. */
function watched(sandboxes: HarnessV1SandboxProvider): {
  sandbox: HarnessV1SandboxProvider;
  sessions: Awaited<ReturnType<HarnessV1SandboxProvider['createSession']>>[];
} {
  const sessions: Awaited<ReturnType<HarnessV1SandboxProvider['createSession']>>[] = [];
  const noting = async <T extends (typeof sessions)[number]>(made: PromiseLike<T>): Promise<T> => {
    const session = await made;
    sessions.push(session);
    return session;
  };
  const { resumeSession } = sandboxes;
  return {
    sessions,
    sandbox: {
      ...sandboxes,
      createSession: (asked) => noting(sandboxes.createSession(asked)),
      ...(resumeSession ? { resumeSession: (asked) => noting(resumeSession(asked)) } : {}),
    },
  };
}

test('a harness agent: set up once, stopped, resumed, destroyed', async () => {
  const { sandbox, sessions } = watched(
    harnessSandboxProvider({ provider, snapshots: memoryStore() }),
  );
  const agent = new HarnessAgent({ harness, sandbox });
  const first = await agent.createSession({ sessionId: 'first' });
  const resumeFrom = await first.stop();
  expect(await states()).toEqual(['suspended']);

  const again = await agent.createSession({ sessionId: 'first', resumeFrom });
  const [created, resumed] = sessions;
  expect(resumed?.id).toBe(created?.id);
  const command = 'cat /workspace/*first*/starts set-up/log; sh set-up/tool.sh';
  expect(await resumed?.run({ command })).toMatchObject({
    stdout: 'started\nstarted\nprepared\ntool\n',
  });

  const second = await agent.createSession({ sessionId: 'second' });
  expect(sessions[2]?.id).not.toBe(created?.id);
  const log = await sessions[2]?.run({ command: 'cat set-up/log' });
  expect(log).toMatchObject({ stdout: 'prepared\n' });
  await second.destroy();
  await again.destroy();
  expect(await states()).toEqual([]);
});

test('each session is set up anew without a store, and one without an id ends when it is stopped', async () => {
  const sandboxes = harnessSandboxProvider({ provider });
  let prepared = 0;
  const onFirstCreate = async (): Promise<void> => void (prepared += 1);
  for (const _ of [1, 2]) {
    const session = await sandboxes.createSession({ identity: 'same', onFirstCreate });
    await session.stop();
    await session.stop();
    await session.destroy();
  }
  expect(prepared).toBe(2);
  const failing = sandboxes.createSession({
    onFirstCreate: async () => {
      throw new Error('no set-up');
    },
  });
  await expect(failing).rejects.toThrow('no set-up');
  expect(await states()).toEqual([]);
  const gone = sandboxes.resumeSession?.({ sessionId: 'nobody' });
  await expect(gone).rejects.toMatchObject({ code: 'not-found' });
});

test('ports, and what a tool is not given', async () => {
  const port = 8_124;
  const manifest = { spec: 'gantry-manifest/1', ports: [port] } as const;
  const session = await harnessSandboxProvider({ provider, create: { manifest } }).createSession();
  expect(session.ports).toEqual([port]);
  const serve = `print $c "HTTP/1.0 200 OK\\r\\n\\r\\nserved"; close $c`;
  const program = `use IO::Socket::INET; $s = IO::Socket::INET->new(LocalPort => ${port}, Listen => 5) or die; while ($c = $s->accept) { <$c>; ${serve} }`;
  await session.writeTextFile({ path: 'server.pl', content: program });
  const server = await session.spawn({ command: 'perl server.pl' });
  const { url, headers } = await session.getPortEndpoint({ port });
  const ask = (): Promise<string> =>
    fetch(url, headers ? { headers } : {}).then(
      (response) => response.text(),
      () => '',
    );
  await expect.poll(ask, { timeout: 60_000 }).toBe('served');
  expect(await session.getPortUrl({ port, protocol: 'ws' })).toMatch(/^ws:\/\/127\.0\.0\.1:/);
  const secure = session.getPortEndpoint({ port, protocol: 'https' });
  await expect(secure).rejects.toMatchObject({ code: 'unsupported' });
  expect(Object.keys(session.restricted())).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/stop|destroy|port|network/i)]),
  );
  await server.kill();
  await session.destroy();
});

test('an account that cannot be used is told in the harness’s own way', async () => {
  const refusing = provider.wrap((driver) => ({
    ...driver,
    create: async () => {
      throw new SandboxError('unauthenticated', 'the key is wrong');
    },
  }));
  const session = harnessSandboxProvider({ provider: refusing }).createSession();
  await expect(session).rejects.toMatchObject({
    ...{ name: expect.stringContaining('HarnessSandboxAuthentication') as string },
    message: expect.stringContaining('the key is wrong') as string,
  });
});

test('denied blocks are refused, not forgotten', async () => {
  await using sandbox = await provider.create();
  const policies: unknown[] = [];
  const session = networkSandboxSession({
    ...sandbox,
    capabilities: {
      ...sandbox.capabilities,
      network: { modes: ['none', 'open', 'allow-list'], live: true },
    },
    setNetwork: async (policy) => void policies.push(policy),
  });
  await session.setNetworkPolicy?.({ mode: 'allow-all' });
  await session.setNetworkPolicy?.({
    mode: 'custom',
    allowedHosts: ['a.org'],
    allowedCIDRs: ['10.0.0.0/8'],
  });
  await session.setNetworkPolicy?.({ mode: 'deny-all' });
  expect(policies).toEqual([
    { mode: 'open' },
    { mode: 'allow-list', allow: ['a.org', '10.0.0.0/8'] },
    { mode: 'none' },
  ]);
  const denied = { mode: 'custom', allowedHosts: ['a.org'], deniedCIDRs: ['1.1.1.1/32'] } as const;
  await expect(session.setNetworkPolicy?.(denied)).rejects.toMatchObject({ code: 'unsupported' });
});
