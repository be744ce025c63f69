import { must, type Check } from '../../check.ts';
import { variableOf } from '../variable-of.ts';
import { undeclared } from './undeclared.ts';

const needs = { capability: 'suspend' } as const;

export const suspendChecks: readonly Check[] = [
  undeclared('suspend', 'suspend', (sandbox) => sandbox.suspend()),
  must(
    'suspend/keeps',
    'suspend-keeps',
    'a suspended sandbox comes back as it was',
    async (t) => {
      for (const mode of t.capabilities.suspend?.modes ?? []) {
        const env = { KEPT: 'kept' };
        const sandbox = await t.create({ manifest: { spec: 'gantry-manifest/1', env } });
        await sandbox.files.write('file', mode, { mode: 0o640 });
        await sandbox.exec(
          '(while [ ! -e stop ]; do echo x >> beat; sleep 0.05; done; echo "$KEPT" > seen) >/dev/null 2>&1 &',
        );
        await t.eventually(t.limits.command, () => sandbox.files.exists('beat'), 'the heart-beat');
        await sandbox.suspend(mode);
        t.equal((await t.provider.inspect(sandbox.ref)).state, 'suspended', 'state');
        const again = await t.provider.resume(sandbox.ref);
        t.equal(again.ref, sandbox.ref, 'ref of the resumed sandbox');
        t.equal((await t.provider.inspect(sandbox.ref)).state, 'running', 'state after resume');
        t.equal(
          [await again.files.readText('file'), (await again.files.stat('file')).mode],
          [mode, 0o640],
          'a file',
        );
        t.equal((await again.exec(variableOf('KEPT'))).stdout.text, 'kept\n', 'the environment');
        await again.files.write('stop', '');
        if (mode === 'memory')
          await t.eventually(
            t.limits.command,
            () => again.files.exists('seen'),
            'the process going on',
          );
        await again.release();
      }
    },
    { needs },
  ),
  must(
    'suspend/refusals',
    'suspend-keeps',
    'an undeclared mode is refused, a suspended sandbox can be destroyed',
    async (t) => {
      const modes = t.capabilities.suspend?.modes ?? [];
      // Held to its first mode, so that there is one to refuse.
      const narrow = t.provider.wrap((driver) => {
        const { suspend } = driver;
        return suspend ? { ...driver, suspend: { ...suspend, modes: modes.slice(0, 1) } } : driver;
      });
      const sandbox = await t.create({}, narrow);
      for (const mode of ['memory', 'disk'] as const) {
        if (mode !== modes[0])
          await t.rejects('unsupported', () => sandbox.suspend(mode), `suspend to ${mode}`);
      }
      t.equal((await t.provider.inspect(sandbox.ref)).state, 'running', 'state after the refusals');
      await sandbox.suspend();
      await t.provider.destroy(sandbox.ref);
      t.equal((await t.provider.inspect(sandbox.ref)).state, 'gone', 'state after destroy');
      await t.rejects('not-found', () => t.provider.resume(sandbox.ref), 'resume of what is gone');
    },
    { needs },
  ),
];
