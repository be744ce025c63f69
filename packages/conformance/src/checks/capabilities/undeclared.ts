import type { CapabilityName, Manifest, Provider, Sandbox } from '@gantry/core';
import { must, type Check } from '../../check.ts';

/** Makes the twin of a profile: without the capability its operation is refused, and the driver never hears of it. */
export function undeclared(
  profile: string,
  capability: CapabilityName,
  operation: (sandbox: Sandbox, provider: Provider) => Promise<unknown>,
): Check {
  return must(
    `${profile}/undeclared`,
    'capability-absent',
    `without ${capability} the operation is refused, with no call to the driver`,
    async (t) => {
      const { provider, counts } = t.counted((driver) => ({ ...driver, [capability]: undefined }));
      t.equal(provider.capabilities[capability], undefined, 'the capability');
      const sandbox = await t.create({}, provider);
      counts.reset();
      const work = async (): Promise<unknown> => operation(sandbox, provider);
      const error = await t.rejects('unsupported', work, 'the operation');
      t.equal(error.outcome, 'not-started', 'outcome');
      t.equal(counts.total(), 0, 'calls of the driver');
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'a command afterwards');
    },
    { twin: true },
  );
}

/** A create with a manifest, as an operation of `undeclared`. */
export function creating(
  manifest: Omit<Manifest, 'spec'>,
): (sandbox: Sandbox, provider: Provider) => Promise<unknown> {
  return (_sandbox, provider) =>
    provider.create({ manifest: { spec: 'gantry-manifest/1', ...manifest } });
}
