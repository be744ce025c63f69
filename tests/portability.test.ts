import path from 'node:path';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describeConformance } from '@gantry/conformance/vitest';
import { afterAll, describe, inject } from 'vitest';
import { testImages } from '../packages/provider-docker/test/test-images.ts';
import { root } from '../scripts/repository.ts';

// The repository's own providers, two at a time: from one to the other, and back.

const stateDirectory = mkdtempSync(path.join(tmpdir(), 'gantry-portability-'));
afterAll(() => rmSync(stateDirectory, { recursive: true }));

const subject = (
  name: string,
  options: object,
): { load: string; export: string; options: object } => ({
  load: path.join(root, 'packages', `provider-${name}`, 'dist', 'index.js'),
  export: name,
  options,
});

const daemon = inject('docker');
// Where there is no daemon, each check fails, and says why.
const host = 'host' in daemon ? daemon.host : `unix:///${daemon.problem}`;
const local = subject('local', { stateDirectory });
const debian = subject('docker', { host, image: testImages.debian });
const busybox = subject('docker', { host, image: testImages.busybox });

describe.each([
  ['local, docker, local', local, debian],
  ['docker, local, docker', debian, local],
  ['local, docker on busybox, local', local, busybox],
] as const)('%s', (_name, first, second) => {
  describeConformance({ subject: first, second, profiles: ['portability'], timeoutScale: 6 });
});
