import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket as Socket } from 'ws';
import type { ErrorAnswer } from '../src/protocol/errors.ts';
import type { ManifestTemplate, PlanAnswer } from '../src/protocol/manifests.ts';
import type { ProviderView } from '../src/protocol/providers.ts';
import type {
  DirectoryAnswer,
  ExecAnswer,
  ExposeAnswer,
  MetricsAnswer,
  ProcessesAnswer,
  SandboxDetails,
  SandboxView,
} from '../src/protocol/sandboxes.ts';
import { DemoProcess } from './demo-process.ts';
import { eventsUntil } from './events.ts';

// What the pages ask of the server, with real sandboxes of this machine.

let demo: DemoProcess;
let id = '';

const web = (templates: readonly ManifestTemplate[]): string =>
  templates.find((template) => template.id === 'web')?.text ?? '';

beforeAll(async () => {
  demo = await DemoProcess.start();
  const templates = await demo.call<readonly ManifestTemplate[]>('GET', 'manifest/templates');
  id = await demo.sandbox({ provider: 'local', name: 'one', manifest: web(templates) });
});
afterAll(() => demo[Symbol.asyncDispose]());

describe('manifests', () => {
  test('every template is planned without a problem', async () => {
    const templates = await demo.call<readonly ManifestTemplate[]>('GET', 'manifest/templates');
    expect(templates.length).toBeGreaterThan(3);
    for (const { text: manifest } of templates) {
      const request = { provider: 'local', manifest };
      const answer = await demo.call<PlanAnswer>('POST', 'manifest/plan', request);
      expect(answer).toMatchObject({ problems: [], plan: { provider: 'local' } });
    }
  });

  test('what is wrong with a text is told with its line', async () => {
    const manifest = 'spec: gantry-manifest/1\nentries:\n  a.txt:\n    type: file\n    mode: 12\n';
    const request = { provider: 'local', manifest };
    const { plan, problems } = await demo.call<PlanAnswer>('POST', 'manifest/plan', request);
    expect(plan).toBeUndefined();
    expect(problems).toContainEqual(
      expect.objectContaining({ path: 'entries.a.txt.mode', line: 5 }),
    );
  });

  test('the schema is the one of the package', async () => {
    const schema = await demo.call<{ $schema?: string }>('GET', 'manifest/schema');
    expect(schema).toHaveProperty('properties.entries');
  });
});

describe('a sandbox', () => {
  test('says what it is', async () => {
    const details = await demo.call<SandboxDetails>('GET', `sandboxes/${id}`);
    expect(details).toMatchObject({
      ...{ id, name: 'one', provider: 'local', emulated: false, state: 'running', ports: [8000] },
      ...{ origin: { how: 'created' }, capabilities: { traits: { isolation: 'process' } } },
    });
    expect(details.receipt?.entries.map(({ path }) => path)).toEqual(['index.html', 'serve.pl']);
  });

  test('runs a command, whose exit is a value', async () => {
    const command = 'echo out; echo err >&2; exit 3';
    const answer = await demo.call<ExecAnswer>('POST', `sandboxes/${id}/exec`, { command });
    expect(answer).toMatchObject({ exit: { code: 3 }, stdout: 'out\n', stderr: 'err\n' });
  });

  test('keeps files: written, read as foreign bytes, listed, moved, removed', async () => {
    const place = (path: string): string =>
      `sandboxes/${id}/files?path=${encodeURIComponent(path)}`;
    const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 251);
    expect((await demo.request('PUT', place('d/<b>.html'), bytes)).status).toBe(200);
    const read = await demo.request('GET', place('d/<b>.html'));
    expect(new Uint8Array(await read.arrayBuffer())).toEqual(bytes);
    expect(read.headers.get('content-type')).toBe('application/octet-stream');
    expect(read.headers.get('content-security-policy')).toMatch(/^sandbox;/);
    expect(read.headers.get('x-content-type-options')).toBe('nosniff');
    await demo.call('POST', `sandboxes/${id}/files/move`, { from: 'd/<b>.html', to: 'd/c' });
    const list = await demo.call<DirectoryAnswer>('GET', `${place('d')}&list=1`);
    expect(list.entries).toMatchObject([{ name: 'c', type: 'file', size: 70_000, mode: '0644' }]);
    await demo.request('DELETE', place('d'));
    const missing = await demo.request('GET', place('d/c'));
    expect(missing.status).toBe(404);
    expect(((await missing.json()) as ErrorAnswer).error.code).toBe('not-found');
  });

  test('has a terminal: bytes both ways, a size, an exit', async () => {
    const { origin, cookie } = demo;
    const address = `${origin.replace('http', 'ws')}/api/sandboxes/${id}/terminal?columns=90&rows=30`;
    const socket = new Socket(address, { headers: { origin, cookie } });
    let seen = '';
    const said: unknown[] = [];
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) seen += data.toString('utf8');
      else said.push(JSON.parse(data.toString('utf8')));
    });
    const see = async (text: RegExp): Promise<void> => {
      while (!text.test(seen)) await once(socket, 'message');
    };
    await once(socket, 'open');
    socket.send(Buffer.from('stty size; echo $((6 * 7))!\n'));
    await see(/30 90\r\n42!/);
    socket.send(JSON.stringify({ resize: { columns: 120, rows: 40 } }));
    socket.send(Buffer.from('stty size\n'));
    await see(/40 120/);
    socket.send(Buffer.from('exit 7\n'));
    await once(socket, 'close');
    expect(said).toEqual([{ exit: { code: 7 } }]);
  });

  test('shows its processes and what it uses, and a port to its user alone', async () => {
    const start =
      './serve.pl > served.txt 2>&1 & until grep -q serving served.txt; do sleep 0.1; done';
    await demo.call('POST', `sandboxes/${id}/exec`, { command: start });
    const { processes } = await demo.call<ProcessesAnswer>('GET', `sandboxes/${id}/processes`);
    expect(processes.map(({ command }) => command).join('\n')).toContain('serve.pl');
    const { now } = await demo.call<MetricsAnswer>('GET', `sandboxes/${id}/metrics`);
    expect(now.memoryBytes).toBeGreaterThan(0);
    const { url } = await demo.call<ExposeAnswer>('POST', `sandboxes/${id}/ports`, { port: 8000 });
    const address = new URL(url);
    expect(address.hostname).toBe('127.0.0.1');
    expect((await fetch(address.origin)).status).toBe(403);
    const first = await fetch(url, { redirect: 'manual' });
    const [cookie = ''] = first.headers.get('set-cookie')?.split(';') ?? [];
    const page = await fetch(address.origin, { headers: { cookie: `${cookie}; ${demo.cookie}` } });
    expect(await page.text()).toContain('Served from a sandbox');
  });

  test('sleeps and wakes', async () => {
    const before = await demo.call<ProcessesAnswer>('GET', `sandboxes/${id}/processes`);
    const asleep = await demo.call<SandboxView>('POST', `sandboxes/${id}/suspend`);
    expect(asleep.state).toBe('suspended');
    const refused = await demo.request('GET', `sandboxes/${id}/processes`);
    expect(refused.status).toBe(412);
    const awake = await demo.call<SandboxView>('POST', `sandboxes/${id}/resume`);
    expect(awake.state).toBe('running');
    const after = await demo.call<ProcessesAnswer>('GET', `sandboxes/${id}/processes`);
    const served = ({ processes }: ProcessesAnswer): unknown =>
      processes.find(({ command }) => command.includes('serve.pl'))?.pid;
    expect(served(after)).toBe(served(before));
  });
});

describe('the server', () => {
  test('tells what happens, and what was missed', async () => {
    const request = { provider: 'local', name: 'heard' };
    const isDone = (event: { type: string; state?: string }): boolean =>
      event.type === 'progress' && event.state !== 'running';
    const heard = await eventsUntil(demo, isDone, {
      started: () => demo.call('POST', 'sandboxes', request),
    });
    const kinds = heard.map(({ event }) => event.type);
    expect(kinds).toEqual(['progress', 'sandbox', 'progress']);
    const [first] = heard;
    const again = await eventsUntil(demo, isDone, { after: first?.number ?? '' });
    expect(again).toEqual(heard.slice(1));
    const lost = await eventsUntil(demo, ({ type }) => type === 'reset', { after: '7' });
    expect(lost).toHaveLength(1);
  });

  test('names what a provider lacks', async () => {
    const providers = await demo.call<readonly ProviderView[]>('GET', 'providers');
    const local = providers.find((provider) => provider.id === 'local');
    expect(local).toMatchObject({ ready: true, emulated: false, missing: [] });
    expect(local?.doctor.map(({ control }) => control)).toContain('seccomp');
    expect(local?.reports).toMatchObject([{ name: 'local', conformant: true }]);
    const unknown = await demo.request('POST', 'sandboxes', '{"provider":"nowhere"}');
    expect(unknown.status).toBe(404);
  });

  test('has its sandboxes again after it was killed', async () => {
    const before = await demo.call<readonly SandboxView[]>('GET', 'sandboxes');
    await demo.stop('SIGKILL');
    await demo.startAgain();
    expect(await demo.call('GET', 'sandboxes')).toEqual(before);
    const command = 'cat served.txt';
    const answer = await demo.call<ExecAnswer>('POST', `sandboxes/${id}/exec`, { command });
    expect(answer.stdout).toContain('serving index.html');
    const said = await demo.stop();
    expect(said).toContain('sandboxes live on until their time is over');
    await demo.startAgain();
    await demo.call('DELETE', `sandboxes/${id}`);
    expect((await demo.request('GET', `sandboxes/${id}`)).status).toBe(404);
  });
});
