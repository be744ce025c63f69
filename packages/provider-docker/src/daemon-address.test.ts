import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { daemonAddress } from './daemon-address.ts';

let config: string;
beforeAll(async () => {
  config = await mkdtemp(path.join(tmpdir(), 'gantry-docker-config-'));
  await writeFile(path.join(config, 'config.json'), JSON.stringify({ currentContext: 'away' }));
  const digest = createHash('sha256').update('away').digest('hex');
  const meta = path.join(config, 'contexts', 'meta', digest);
  await mkdir(meta, { recursive: true });
  const endpoints = { docker: { Host: 'tcp://build.example:2376' } };
  await writeFile(
    path.join(meta, 'meta.json'),
    JSON.stringify({ Name: 'away', Endpoints: endpoints }),
  );
  const tls = path.join(config, 'contexts', 'tls', digest, 'docker');
  await mkdir(tls, { recursive: true });
  await writeFile(path.join(tls, 'ca.pem'), 'authority');
});
afterAll(() => rm(config, { recursive: true }));

test('the option wins over DOCKER_HOST, that over the context, that over the default', () => {
  const env = { DOCKER_CONFIG: config };
  expect(
    daemonAddress('unix:///a.sock', { ...env, DOCKER_HOST: 'unix:///b.sock' }).connection,
  ).toEqual({
    socketPath: '/a.sock',
  });
  expect(daemonAddress(undefined, { ...env, DOCKER_HOST: 'tcp://127.0.0.1:99' })).toMatchObject({
    isLocal: false,
    connection: { protocol: 'http', host: '127.0.0.1', port: 99 },
  });
  const away = daemonAddress(undefined, env);
  expect(away).toMatchObject({
    source: 'the docker context away',
    isLocal: false,
    connection: {
      protocol: 'https',
      host: 'build.example',
      port: 2376,
      ca: Buffer.from('authority'),
    },
  });
  const standard = daemonAddress(undefined, { ...env, DOCKER_CONTEXT: 'default' });
  expect(standard).toMatchObject({
    isLocal: true,
    connection: { socketPath: '/var/run/docker.sock' },
  });
});

test('what cannot be an address is refused, and passwords stay out of what is shown', () => {
  expect(() => daemonAddress('ftp://x', {})).toThrow('is none of unix://PATH');
  expect(() => daemonAddress(undefined, { DOCKER_CONFIG: config, DOCKER_CONTEXT: 'gone' })).toThrow(
    'the docker context "gone" has no docker endpoint',
  );
  expect(daemonAddress('ssh://me:secret@box', {}).url).toBe('ssh://box');
});
