import { randomBytes } from 'node:crypto';
import type { Manifest, SecretRule } from '@gantry/core';
import type { CheckContext } from '../../runner/check-context.ts';
import { egressSetting, type EgressSetting } from './egress-setting.ts';
import { Guest } from './guest.ts';

/** Names of variables of the sandbox, one for each way in which a secret may get into a request. */
type SecretName = 'API_KEY' | 'HEADER_KEY' | 'QUERY_KEY' | 'BEARER_KEY';

const names = ['API_KEY', 'HEADER_KEY', 'QUERY_KEY', 'BEARER_KEY'] as const satisfies SecretName[];

/** A sandbox with secrets that it must never hold. */
export interface SecretSetting extends AsyncDisposable {
  readonly egress: EgressSetting;
  /** The values, which only this process and the subject's host know. */
  readonly values: Readonly<Record<SecretName, string>>;
  readonly guest: Guest;
  /** Those that the subject can inject. */
  readonly names: readonly SecretName[];
  /** What the sandbox has in the place of each. */
  readonly placeholder: (name: SecretName) => string;
}

/** The checks of a broker that reads requests itself, rather than leaving a rule with a vendor. */
export const needsPlaceholder = { capability: 'secrets', secrets: 'placeholder' } as const;

/** A secret in the shape of a real one that nobody else knows. */
export function canary(): string {
  return `sk-test-${randomBytes(24).toString('hex')}`;
}

/** A policy and rules under which one secret goes to `api`, over TLS, in place of its placeholder unless the rule says otherwise. */
export function brokered(
  { policy, entry }: EgressSetting,
  rules: Readonly<Record<string, Partial<SecretRule>>> = { API_KEY: {} },
): Pick<Manifest, 'network' | 'secrets'> {
  const allow = ['other', 'forged'].map((host) => entry(host, 'https'));
  return {
    network: { ...policy, allow: [...policy.allow, ...allow] },
    secrets: Object.fromEntries(
      Object.entries(rules).map(([name, rule]) => [
        name,
        { from: `vault:${name}`, hosts: [entry('api', 'https')], ...rule },
      ]),
    ),
  };
}

/** The rule of a secret that arrives in header `x-key`, where a request has its placeholder there. */
export function inHeader({ capabilities }: CheckContext): Partial<SecretRule> {
  const { inject = [] } = capabilities.secrets ?? {};
  return inject.includes('placeholder') ? {} : { header: 'x-key' };
}

/** A sandbox of the check's own with one secret, `API_KEY`. */
export async function withSecret(
  t: CheckContext,
  secret: () => string | undefined,
  rule: Partial<SecretRule> = {},
): Promise<{
  readonly egress: EgressSetting;
  readonly guest: Guest;
  readonly placeholder: string;
}> {
  const egress = await egressSetting(t);
  const { network, ...manifest } = brokered(egress, { API_KEY: { ...inHeader(t), ...rule } });
  const guest = await egress.enter(t, {
    ...(network ? { network } : {}),
    manifest,
    secrets: secret,
  });
  return { egress, guest, placeholder: guest.env.get('API_KEY') ?? '' };
}

/** The setting that the checks of secrets share. */
export function secretSetting(t: CheckContext): Promise<SecretSetting> {
  return t.state.once('secrets', async () => {
    const egress = await egressSetting(t);
    const values = {
      ...{ API_KEY: canary(), HEADER_KEY: canary() },
      ...{ QUERY_KEY: canary(), BEARER_KEY: canary() },
    };
    const { inject = [] } = t.capabilities.secrets ?? {};
    const { network, secrets } = brokered(egress, {
      ...(inject.includes('placeholder') ? { API_KEY: {} } : {}),
      ...(inject.includes('header')
        ? {
            HEADER_KEY: { header: 'x-api-key', hosts: [egress.entry('header', 'https')] },
            BEARER_KEY: { header: 'authorization', hosts: [egress.entry('header', 'https')] },
          }
        : {}),
      ...(inject.includes('query')
        ? { QUERY_KEY: { query: 'key', hosts: [egress.entry('query', 'https')] } }
        : {}),
    });
    const all = network?.mode === 'allow-list' ? network.allow : [];
    const more = ['header', 'query'].map((host) => egress.entry(host, 'https'));
    const manifest = {
      spec: 'gantry-manifest/1',
      network: { mode: 'allow-list', allow: [...all, ...more] },
      ...(secrets ? { secrets } : {}),
    } as const;
    const sandbox = await t.provider.create({
      labels: { ...t.state.labels, check: 'shared' },
      ...{ manifest, maxLifetimeMs: 600_000 },
      secrets: (from) => Object.entries(values).find(([name]) => from === `vault:${name}`)?.[1],
    });
    t.state.record(sandbox.ref, 'shared');
    const guest = await Guest.in(t, sandbox);
    return {
      ...{ egress, values, guest },
      names: names.filter((name) => secrets && name in secrets),
      placeholder: (name) => guest.env.get(name) ?? '',
      [Symbol.asyncDispose]: async () => Promise.resolve(),
    };
  });
}
