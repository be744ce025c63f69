import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { type IncomingMessage, request } from 'node:http';
import { once } from 'node:events';
import path from 'node:path';
import { local } from '@gantry/provider-local';
import { RateLimitError, Sandbox, SandboxNotFoundError, ServiceBusyError } from 'e2b';
import { expect, test, vi } from 'vitest';
import { startE2b, until } from './e2b-emulator.ts';

// What every vendor's emulator shares, seen through one of them.

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

test('a request by another name, or from a web page elsewhere, is refused before it is looked at', async () => {
  await using e2b = await startE2b();
  const ask = async (headers: Record<string, string>): Promise<number> => {
    const asked = request(`${e2b.emulator.url}/v2/sandboxes`, { headers });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    return answer.statusCode ?? 0;
  };
  const key = { 'x-api-key': e2b.emulator.key };
  const { port } = new URL(e2b.emulator.url);
  expect(await ask(key)).toBe(200);
  expect(await ask({})).toBe(401);
  expect(await ask({ ...key, host: `evil.example:${port}` })).toBe(403);
  expect(await ask({ ...key, host: `127.0.0.1:1` })).toBe(403);
  expect(await ask({ ...key, origin: 'https://evil.example' })).toBe(403);
  expect(await ask({ ...key, origin: e2b.emulator.url })).toBe(200);
});

test('each start has a key of its own', async () => {
  await using first = await startE2b();
  await using second = await startE2b();
  expect(first.emulator.key).not.toBe(second.emulator.key);
  const crossed = Sandbox.list({ ...second.connection, apiKey: first.emulator.key }).nextItems();
  await expect(crossed).rejects.toThrow('Invalid API key');
});

test('one port speaks HTTP/2 without TLS, and both versions with it', async () => {
  await using plain = await startE2b();
  expect(await overHttp2(plain.emulator.url, plain.emulator.key)).toEqual([200, '[]']);

  const directory = plain.scratch;
  const [keyFile, certFile] = ['key.pem', 'cert.pem'].map((name) => path.join(directory, name));
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-days', '1', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ...['-keyout', keyFile ?? '', '-out', certFile ?? ''],
  ]);
  const cert = readFileSync(certFile ?? '', 'utf8');
  await using secure = await startE2b({
    certificate: { cert, key: readFileSync(keyFile ?? '', 'utf8') },
  });
  expect(secure.emulator.url).toMatch(/^https:/);
  expect(await overHttp2(secure.emulator.url, secure.emulator.key, cert)).toEqual([200, '[]']);
  const headers = { 'x-api-key': secure.emulator.key };
  const asked = httpsRequest(`${secure.emulator.url}/v2/sandboxes`, { ca: cert, headers });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  expect([answer.statusCode, answer.httpVersion]).toEqual([200, '1.1']);
});

async function overHttp2(url: string, key: string, ca?: string): Promise<[number, string]> {
  const session = connectHttp2(url, ca === undefined ? {} : { ca });
  try {
    const stream = session.request({ ':path': '/v2/sandboxes', 'x-api-key': key });
    const [headers] = (await once(stream, 'response')) as [{ ':status'?: number }];
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    return [headers[':status'] ?? 0, text];
  } finally {
    session.close();
  }
}

test('faults come by rule: errors of the vendor, lost and silent connections, a sandbox that vanishes', async () => {
  await using e2b = await startE2b();
  const { faults } = e2b.emulator;
  const sandbox = await e2b.create();

  {
    // The SDK tries again by itself after a 429 that says when.
    const fault = { kind: 'status', status: 429, retryAfterSeconds: 0 } as const;
    using _rule = faults.add({ method: 'POST', path: '/v2/sandboxes', fault, times: 2 });
    await (await e2b.create()).kill();
    const creates = e2b.emulator.requests().filter(({ path }) => path === '/v2/sandboxes');
    expect(creates.map(({ status }) => status)).toEqual([201, 429, 429, 201]);
  }
  {
    using _rule = faults.add({ path: /./, fault: { kind: 'status', status: 503 } });
    await expect(e2b.create({ retries: 0 })).rejects.toBeInstanceOf(ServiceBusyError);
  }
  {
    using _rule = faults.add({ path: /Process\/Start$/, fault: { kind: 'cut', afterBytes: 100 } });
    const cut = sandbox.commands.run('for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 0.05; done');
    await expect(cut).rejects.toBeInstanceOf(Error);
  }
  {
    using _rule = faults.add({ path: /Process\/Start$/, fault: { kind: 'stall', afterBytes: 0 } });
    const stalled = sandbox.commands.run('true', { requestTimeoutMs: 1_000 });
    await expect(stalled).rejects.toBeInstanceOf(Error);
  }
  expect((await sandbox.commands.run('echo fine')).stdout).toBe('fine\n');

  const during = sandbox.commands
    .run('sleep 1000', { timeoutMs: 0 })
    .catch((error: unknown) => error);
  await until(async () => (await sandbox.commands.list()).length > 0);
  expect(await e2b.emulator.vanish(sandbox.sandboxId)).toBe(true);
  expect(await during).toBeInstanceOf(Error);
  await expect(sandbox.commands.run('true')).rejects.toBeInstanceOf(SandboxNotFoundError);
  await expect(sandbox.files.read('x')).rejects.toThrow('The sandbox was not found');
});

test('quotas hold on the clock of the emulator', async () => {
  await using e2b = await startE2b({ quotas: { createsPerSecond: 2, runningSandboxes: 3 } });
  const { clock } = e2b.emulator;
  await clock.advance(10_000);
  const create = (): Promise<Sandbox> => e2b.create({ retries: 0 });
  const first = await create();
  await clock.advance(1_000);
  await create();
  await clock.advance(1_000);
  await create();
  await clock.advance(1_000);
  await expect(create()).rejects.toThrow('concurrent sandboxes');
  await first.kill();
  await clock.advance(1_000);
  await create();
  const [{ status } = { status: 0 }] = e2b.emulator
    .requests()
    .filter(({ path }) => path === '/v2/sandboxes');
  expect(status).toBe(201);

  await using strict = await startE2b({ quotas: { createsPerSecond: 0.001 } });
  const both = await Promise.allSettled([
    strict.create({ retries: 0 }),
    strict.create({ retries: 0 }),
  ]);
  const refused = both.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  expect(refused).toEqual([expect.any(RateLimitError)]);
});

test('a recording has every request and answer, and no secret', async () => {
  const e2b = await startE2b({ recordName: 'record.jsonl' });
  const file = path.join(e2b.scratch, 'record.jsonl');
  let recording = '';
  let token = '';
  try {
    const sandbox = await e2b.create({ envs: { PASSWORD: 'swordfish' } });
    await sandbox.commands.run('echo $WORD', { envs: { WORD: 'xyzzy-envs' } });
    const link = await sandbox.downloadUrl('/etc/passwd', { useSignatureExpiration: 3600 });
    token = new URL(link).searchParams.get('signature') ?? '';
    await fetch(link);
    await e2b.emulator.close();
    recording = readFileSync(file, 'utf8');
  } finally {
    await e2b[Symbol.asyncDispose]();
  }
  const records = recording
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(records).toMatchObject([
    { method: 'POST', path: '/v2/sandboxes', status: 201 },
    { method: 'POST', path: '/process.Process/Start', status: 200 },
    { method: 'GET', status: 200 },
  ]);
  expect(recording).toContain('echo $WORD');
  expect(recording).toContain('e2b-sandbox-id');
  for (const secret of [e2b.emulator.key, 'swordfish', 'xyzzy-envs', token]) {
    expect(secret).not.toBe('');
    expect(recording).not.toContain(secret);
  }
});

test('closing ends every connection and destroys every sandbox', async () => {
  const e2b = await startE2b();
  const provider = local({ stateDirectory: path.join(e2b.scratch, 'state') });
  try {
    const sandbox = await e2b.create();
    await e2b.create();
    const running = sandbox.commands.run('sleep 1000', { timeoutMs: 0 });
    const outcome = running.catch((error: unknown) => error);
    await until(async () => (await sandbox.commands.list()).length === 1);
    expect(await Array.fromAsync(provider.list())).toHaveLength(2);
    await e2b.emulator.close();
    expect(await outcome).toBeInstanceOf(Error);
    expect(await Array.fromAsync(provider.list())).toEqual([]);
    await expect(sandbox.commands.run('true')).rejects.toBeInstanceOf(Error);
  } finally {
    await e2b[Symbol.asyncDispose]();
  }
});
