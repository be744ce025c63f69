import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { caught } from '../../test/manifest/caught.ts';
import type { HostWorkspace } from '../../test/manifest/host-workspace-target.ts';
import { freshCall, hostWorkspace } from '../../test/manifest/host-workspace-target.ts';
import type { MaterializeReceipt } from '../contract/manifest-types.ts';
import { runSetup } from './run-setup.ts';

describe.each(['coreutils', 'busybox'] as const)('with %s', (tools) => {
  let workspace: HostWorkspace;
  beforeEach(async () => {
    workspace = await hostWorkspace(tools);
  });
  afterEach(() => workspace[Symbol.asyncDispose]());

  const setUp = (
    ...commands: readonly (string | readonly [string, ...string[]])[]
  ): Promise<MaterializeReceipt['setup']> => runSetup(workspace, commands, freshCall());
  const inside = (name: string): string => path.join(workspace.workspace, name);

  test('each command runs as it is, in the workspace, for as long as it says', async () => {
    const odd = "quo'te $(id)\nline";
    const setup = await setUp(
      'cd /; X=1; export X; set -e',
      ['touch', odd],
      'test -z "$X"; pwd >at; sleep 0.2',
    );
    expect(setup.map(({ command }) => command)[1]).toBe(JSON.stringify(['touch', odd]));
    expect(setup[2]?.durationMs).toBeGreaterThanOrEqual(150);
    expect(existsSync(inside(odd))).toBe(true);
    expect(readFileSync(inside('at'), 'utf8').trim()).toBe(workspace.workspace);
    expect(workspace.calls).toEqual(['run']);
  });

  test('it stops at the first failure and tells which, its code and what it said', async () => {
    const failing = ['sh', '-c', "echo 'out put'; echo err >&2; exit 7"] as const;
    const error = await caught(() =>
      setUp('echo early; echo noise >&2; cat', failing, 'touch never'),
    );
    expect(error.code).toBe('failed-precondition');
    expect(error.details).toMatchObject({ index: 1, exitCode: 7, outputTail: 'out put\nerr' });
    expect(error.message).toContain('exit 7');
    expect(existsSync(inside('never'))).toBe(false);
    const missing = await caught(() => setUp(['no-such-program']));
    expect(missing.details).toMatchObject({ index: 0, exitCode: 127 });
  });

  test('no command reaches the reports', async () => {
    expect(await setUp('echo "end 0 1.0 9"; echo "end 0 1.0 9" >&2', 'true')).toHaveLength(2);
    // The descriptor of the reports is closed to it, so this command fails by itself.
    const error = await caught(() => setUp('echo "end 0 1.0 0" >&3'));
    expect(error.details).toMatchObject({ index: 0 });
  });
});
