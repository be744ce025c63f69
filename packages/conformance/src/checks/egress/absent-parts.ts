import type { Manifest, NetworkPolicy, SecretRule } from '@gantry/core';
import type { Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';
import { creating, undeclared } from '../capabilities/undeclared.ts';

const listed: NetworkPolicy = { mode: 'allow-list', allow: ['example.invalid'] };
const limited: NetworkPolicy = {
  ...listed,
  requests: [{ host: 'example.invalid', methods: ['GET'] }],
};

const ways = [
  ['placeholder', {}],
  ['header', { header: 'x-key' }],
  ['query', { query: 'key' }],
] as const;

function withRule(rule: Pick<SecretRule, 'header' | 'query'>): Omit<Manifest, 'spec'> {
  const secret = { from: 'env:PATH', hosts: ['example.invalid'], ...rule } as const;
  return { network: { mode: 'none' }, secrets: { KEY: secret } };
}

const wholeTwin = undeclared('network', 'network', creating({ network: { mode: 'open' } }));

/** The twin of profile `network`: without the capability, and without each part of it that the subject does not declare. */
export const networkTwin: Check = {
  ...wholeTwin,
  async run(t) {
    await wholeTwin.run(t);
    await absentParts(t);
  },
};

const wholeSecretsTwin = undeclared('secrets', 'secrets', creating(withRule({})));

/** The twin of profile `secrets`: without the capability, and without each way to inject that the subject does not declare. */
export const secretsTwin: Check = {
  ...wholeSecretsTwin,
  async run(t) {
    await wholeSecretsTwin.run(t);
    const { inject } = t.capabilities.secrets ?? {};
    if (!inject) return;
    const { provider, counts } = t.counted();
    for (const [way, rule] of ways) {
      if (inject.includes(way)) continue;
      const manifest = { spec: 'gantry-manifest/1', ...withRule(rule) } as const;
      await t.rejects('unsupported', () => provider.create({ manifest }), `a secret by ${way}`);
    }
    t.equal(counts.total(), 0, 'calls of the driver');
  },
};

async function absentParts(t: CheckContext): Promise<void> {
  const { network } = t.capabilities;
  if (!network) return;
  const { provider, counts } = t.counted();
  const create = (policy: NetworkPolicy) => (): Promise<unknown> =>
    provider.create({ manifest: { spec: 'gantry-manifest/1', network: policy } });
  const sandbox = await t.create({}, provider);
  counts.reset();
  if (!network.modes.includes('allow-list'))
    await t.rejects('unsupported', create(listed), 'an allow-list');
  if (!network.requests) await t.rejects('unsupported', create(limited), 'rules for requests');
  if (!network.live)
    await t.rejects('unsupported', () => sandbox.setNetwork({ mode: 'none' }), 'setNetwork');
  if (!network.recorded) {
    const record = async (): Promise<void> => sandbox.recordNetwork(() => Promise.resolve());
    await t.rejects('unsupported', record, 'recordNetwork');
  }
  t.equal(counts.total(), 0, 'calls of the driver');
}
