import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ComparisonView } from '../src/protocol/compare.ts';
import type {
  ConformanceAnswer,
  ConformanceRun,
  ConformanceRunDetails,
  LiveCheck,
} from '../src/protocol/conformance.ts';
import type { ErrorAnswer } from '../src/protocol/errors.ts';
import type { ServerEvent } from '../src/protocol/events.ts';
import type { ProviderView } from '../src/protocol/providers.ts';
import type { ExecAnswer, SandboxView } from '../src/protocol/sandboxes.ts';
import type {
  DiffAnswer,
  SnapshotEntriesAnswer,
  SnapshotView,
  VerifyAnswer,
} from '../src/protocol/snapshots.ts';
import { DemoProcess } from './demo-process.ts';
import { eventsUntil, operationDone } from './events.ts';

// Workspaces that are kept, compared, moved to another vendor's sandbox and forked; and the proof of a provider.

let demo: DemoProcess;
let id = '';
let first = '';

const manifest = `spec: gantry-manifest/1
entries:
  a.txt: { type: file, text: "one\\n" }
  deep/b.txt: { type: file, text: "two\\n" }
`;

const done = (place: string, body: unknown): ReturnType<typeof operationDone> =>
  operationDone(demo, place, body);

const run = (sandbox: string, command: string): Promise<ExecAnswer> =>
  demo.call<ExecAnswer>('POST', `sandboxes/${sandbox}/exec`, { command });

beforeAll(async () => {
  demo = await DemoProcess.start();
  id = await demo.sandbox({ provider: 'local', name: 'one', manifest });
  first = (await done(`sandboxes/${id}/snapshot`, { name: 'before' })).snapshot;
  await run(id, 'echo more >> a.txt; rm -r deep; echo new > c.txt');
});
afterAll(() => demo[Symbol.asyncDispose]());

describe('snapshots', () => {
  test('form a tree, and what differs between two is told', async () => {
    const { snapshot: second } = await done(`sandboxes/${id}/snapshot`, {});
    const list = await demo.call<readonly SnapshotView[]>('GET', 'snapshots');
    expect(list).toMatchObject([
      { id: first, name: 'before', sandbox: id, sandboxName: 'one', provider: 'local', files: 2 },
      { id: second, parent: first, files: 2 },
    ]);
    const diff = await demo.call<DiffAnswer>('GET', `snapshots/diff?a=${first}&b=${second}`);
    expect(diff.differences.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      ...['changed a.txt', 'added c.txt', 'removed deep', 'removed deep/b.txt'],
    ]);
    expect(diff.truncated).toBe(false);
  });

  test('can be looked into', async () => {
    const list = (path: string): Promise<SnapshotEntriesAnswer> =>
      demo.call('GET', `snapshots/${first}/entries?path=${path}`);
    expect((await list('')).entries).toEqual([
      { name: 'a.txt', type: 'file', size: 4 },
      { name: 'deep', type: 'directory' },
    ]);
    expect((await list('deep')).entries).toEqual([{ name: 'b.txt', type: 'file', size: 4 }]);
    const file = await demo.request('GET', `snapshots/${first}/file?path=deep/b.txt`);
    expect(await file.text()).toBe('two\n');
    expect((await demo.request('GET', `snapshots/${first}/file?path=none`)).status).toBe(404);
  });

  test('are verified byte by byte', async () => {
    const answer = await demo.call<VerifyAnswer>('POST', `snapshots/${first}/verify`);
    expect(answer).toMatchObject({ ok: true, problems: [] });
    expect(answer.objects).toBeGreaterThan(0);
  });

  test("come back on another vendor's provider, marked as emulated while that is an emulator", async () => {
    const nobody = await demo.request('POST', `snapshots/${first}/rehydrate`, '{"provider":"e2b"}');
    expect(nobody.status).toBe(412);
    const { error } = (await nobody.json()) as ErrorAnswer;
    expect(`${error.message} ${error.hint}`).toMatch(/account with E2B.*E2B_API_KEY.*emulator/);
    const backend = { backend: 'local' };
    const provider = await demo.call<ProviderView>('POST', 'providers/e2b/emulator', backend);
    expect(provider).toMatchObject({ ready: true, emulated: true, emulator: { state: 'running' } });
    const { sandbox } = await done(`snapshots/${first}/rehydrate`, { provider: 'e2b' });
    expect(await demo.call('GET', `sandboxes/${sandbox}`)).toMatchObject({
      ...{ provider: 'e2b', emulated: true, snapshot: first },
      origin: { how: 'rehydrated', by: 'snapshot', verified: true },
    });
    expect((await run(sandbox, 'cat a.txt deep/b.txt')).stdout).toBe('one\ntwo\n');
  });
});

describe('a comparison', () => {
  test('runs each branch apart, here and there, and keeps one', async () => {
    const request = {
      snapshot: first,
      branches: [
        { provider: 'local', command: 'echo left; echo left > side.txt' },
        { provider: 'local', command: 'echo right >&2; rm a.txt; exit 2' },
        { provider: 'e2b', command: 'cat deep/b.txt' },
      ],
    };
    const { id: comparison } = await demo.call<{ id: string }>('POST', 'compare', request);
    const place = `compare/${comparison}`;
    const view = await demo.until<ComparisonView>(place, ({ state }) => state !== 'running');
    const change = { kind: 'added', path: 'side.txt' };
    expect(view.branches).toMatchObject([
      { state: 'done', exit: { code: 0 }, output: 'left\n', differences: [change], by: 'snapshot' },
      { state: 'done', exit: { code: 2 }, output: 'right\n', by: 'fork' },
      { state: 'done', output: 'two\n', differences: [], emulated: true },
    ]);
    for (const { startedMs = -1, readyMs = -1, ranMs = -1, comparedMs = -1 } of view.branches) {
      const times = [startedMs, readyMs, ranMs, comparedMs];
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(startedMs).toBeGreaterThanOrEqual(0);
    }
    const kept = await demo.call<ComparisonView>('POST', `${place}/keep`, { branch: 1 });
    expect(kept.branches.map(({ state }) => state)).toEqual(['gone', 'kept', 'gone']);
    await demo.call('DELETE', place);
    const left = await demo.call<readonly SandboxView[]>('GET', 'sandboxes');
    const [, branch] = view.branches;
    expect(left.find((sandbox) => sandbox.id === branch?.sandbox)).toMatchObject({
      ...{ state: 'running', snapshot: branch?.snapshot },
    });
    expect(left.filter(({ name }) => name.startsWith('branch '))).toHaveLength(1);
  });

  test("ends a branch's work when asked, and compares what it had done by then", async () => {
    const command = 'echo begun | tee begun.txt; sleep 3600';
    const request = { snapshot: first, branches: [{ provider: 'local', command }] };
    const { id } = await demo.call<{ id: string }>('POST', 'compare', request);
    const place = `compare/${id}`;
    await demo.until<ComparisonView>(place, ({ branches }) => branches[0]?.output === 'begun\n');
    await demo.call('POST', `${place}/stop`, { branch: 0 });
    const view = await demo.until<ComparisonView>(place, ({ state }) => state !== 'running');
    expect(view.branches).toMatchObject([
      { state: 'done', stopped: true, differences: [{ path: 'begun.txt', kind: 'added' }] },
    ]);
    const nobody = JSON.stringify({ branch: 1 });
    expect((await demo.request('POST', `${place}/stop`, nobody)).status).toBe(404);
    await demo.call('DELETE', place);
  });

  test('says why a branch cannot be made, and goes on with the others', async () => {
    const wrong = { snapshot: first, branches: [{ provider: 'vercel', command: 'true' }] };
    expect((await demo.request('POST', 'compare', JSON.stringify(wrong))).status).toBe(412);
    const none = { ...wrong, branches: [] };
    expect((await demo.request('POST', 'compare', JSON.stringify(none))).status).toBe(400);
  });
});

describe('an emulator', () => {
  test('takes its sandboxes with it when it ends', async () => {
    await demo.call('DELETE', 'providers/e2b/emulator');
    const left = await demo.call<readonly SandboxView[]>('GET', 'sandboxes');
    expect(left.filter(({ emulated }) => emulated)).toEqual([]);
    const view = await demo.call<ProviderView>('GET', 'providers/e2b');
    expect(view).toMatchObject({ ready: false, emulated: false, emulator: { state: 'stopped' } });
  });
});

describe('conformance', () => {
  test('runs live, check by check, and leaves a report', async () => {
    const request = { provider: 'local', profiles: ['metrics'] };
    const isOver = (event: ServerEvent): boolean =>
      event.type === 'conformance' && event.run.state !== 'running';
    const heard = await eventsUntil(demo, isOver, {
      started: () => demo.call<ConformanceRun>('POST', 'conformance', request),
    });
    const checks = heard.flatMap(({ event }) => (event.type === 'check' ? [event.check] : []));
    const [begun] = checks;
    expect(begun?.result).toBeUndefined();
    const [over] = heard.flatMap(({ event }) => (isOver(event) ? [event] : []));
    const { run: ended } = over as Extract<ServerEvent, { type: 'conformance' }>;
    const details = await demo.call<ConformanceRunDetails>('GET', `conformance/${ended.id}`);
    expect(details).toMatchObject({ state: 'done', ...request, emulated: false });
    const told = new Set(checks.map((check: LiveCheck) => check.id));
    expect([...told].toSorted()).toEqual(details.checks.map((check) => check.id).toSorted());
    expect(details.counts.pass).toBeGreaterThan(0);
    const page = await demo.request('GET', `conformance/${ended.id}/report?format=html`);
    expect(page.headers.get('content-security-policy')).toMatch(/^sandbox;/);
    expect(await page.text()).toContain('metrics');
    expect(await demo.call('GET', `conformance/${ended.id}/report`)).toMatchObject({
      ...{ spec: 'gantry-conformance-report/1', mode: 'live', subject: { name: 'local' } },
    });
  });

  test('shows what is committed: reports and the kill matrix', async () => {
    const answer = await demo.call<ConformanceAnswer>('GET', 'conformance');
    expect(answer.reports.map(({ name }) => name)).toContain('e2b-on-docker');
    expect(answer.matrix.mutants.length).toBeGreaterThan(100);
    expect(answer.matrix.mutants.filter(({ killedBy }) => killedBy.length === 0)).toEqual([]);
    const [report] = answer.reports;
    const page = await demo.request('GET', (report?.href ?? '').replace('/api/', ''));
    expect(page.headers.get('content-type')).toContain('text/html');
    expect((await demo.request('GET', 'conformance/reports/none.html')).status).toBe(404);
  });
});
