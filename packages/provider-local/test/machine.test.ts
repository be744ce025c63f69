import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Finding, SandboxError } from '@gantry/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { local } from '../src/index.ts';
import { uidRange } from '../src/sandbox-uid.ts';
import { isRoot } from './scenario.ts';

let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(path.join(os.tmpdir(), 'gantry-machine-'));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Report {
  readonly findings: readonly Finding[];
  readonly probe: SandboxError;
  readonly create: SandboxError;
}

/** Runs a module with `local` in scope, by way of a launcher, and returns what it printed. */
function runModule(launcher: readonly [string, ...string[]], source: string): Promise<string> {
  const entry = JSON.stringify(path.resolve(import.meta.dirname, '../src/index.ts'));
  const module = `import { local } from ${entry};\n${source}`;
  const [program, ...args] = [...launcher, process.execPath, '--input-type=module', '-e', module];
  return new Promise((resolve, reject) => {
    execFile(program, args, (error, stdout, stderr) =>
      error ? reject(new Error(`${error.message} ${stderr}`)) : resolve(stdout),
    );
  });
}

/** Says what a provider finds, and what becomes of a probe and a create. */
const report = (): string => `
  const provider = local({ stateDirectory: ${JSON.stringify(path.join(scratch, 'never-made'))} });
  const [findings, probe, create] = await Promise.allSettled([provider.diagnose(), provider.probe(), provider.create()]);
  console.log(JSON.stringify({ findings: findings.value, probe: probe.reason, create: create.reason }));
`;

describe('on a machine that lacks something', () => {
  test('a missing bubblewrap is named with the package that brings it', async () => {
    const empty = path.join(scratch, 'empty');
    mkdirSync(empty);
    const { findings, probe, create } = JSON.parse(
      await runModule(
        ['/usr/bin/env', `PATH=${empty}`, `GANTRY_STATE_DIRECTORY=${scratch}`],
        report(),
      ),
    ) as Report;
    expect(findings.find((one) => one.control === 'bubblewrap')).toEqual({
      control: 'bubblewrap',
      ok: false,
      message: 'bwrap is not installed: apt-get install bubblewrap',
    });
    for (const error of [probe, create]) {
      expect(error.code).toBe('failed-precondition');
      expect(error.message).toContain('apt-get install bubblewrap');
      expect(error.details.findings).toEqual(findings);
    }
  });

  test('closed user namespaces are named with the setting that opens them', async () => {
    // The inner namespace allows no further one; its user is an ordinary one of the outer.
    const script =
      'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --bounding-set=-all "$@"';
    const launcher: [string, ...string[]] = [
      'unshare',
      '--user',
      '--map-root-user',
      'sh',
      '-c',
      script,
      'sh',
    ];
    const { findings, probe } = JSON.parse(await runModule(launcher, report())) as Report;
    const last = findings.at(-1);
    expect(last?.ok).toBe(false);
    expect(probe.code).toBe('failed-precondition');
    expect(probe.message).toContain(last?.message);
    expect(last?.message).toMatch(/CAP_SYS_ADMIN|max_user_namespaces|maps too few uids/);
  });
});

describe('on this machine', () => {
  test('every control is found and tried', async () => {
    const provider = local({ stateDirectory: path.join(scratch, 'state') });
    const findings = await provider.diagnose();
    expect(findings.filter(({ ok }) => !ok)).toEqual([]);
    expect(findings.map(({ control }) => control)).toEqual(
      expect.arrayContaining(['user namespaces', 'capabilities', 'no new privileges', 'seccomp']),
    );
    expect((await provider.probe()).traits.isolation).toBe('process');
  });

  // Only root can make a small disk for it.
  test.each(isRoot ? ['a full disk'] : [])('%s is told, and is no dead end', async () => {
    const disk = path.join(scratch, 'disk');
    mkdirSync(disk);
    const program = path.join(import.meta.dirname, 'full-disk.ts');
    const script = 'mount -t tmpfs -o size=3m none "$1" && exec "$2" "$3" "$1"';
    const output = await new Promise<string>((resolve, reject) => {
      execFile(
        'unshare',
        ['--mount', 'sh', '-c', script, 'sh', disk, process.execPath, program],
        (error, stdout, stderr) =>
          error ? reject(new Error(`${error.message} ${stderr}`)) : resolve(stdout),
      );
    });
    expect(output).toBe('the disk was full and is free again\n');
  });
});

describe('the uids of sandboxes', () => {
  test('are far from any that the host gives out, or the highest that a container has', () => {
    expect(uidRange('         0          0 4294967295\n')).toEqual({
      first: 0x70000000,
      count: 0x10000,
    });
    expect(uidRange('0 100000 65536\n')).toEqual({ first: 65536 - 4096, count: 4096 });
    expect(() => uidRange('0 1000 1\n')).toThrow(/maps too few uids/);
  });
});
