import { type CreateOptions, type Manifest, type NetworkPolicy, SandboxError } from '@gantry/core';
import type { CheckContext } from '../../runner/check-context.ts';
import { Guest } from './guest.ts';
import { type Arrival, startWorld, type World } from './world.ts';

/** An allow-list. */
type AllowList = NetworkPolicy & { readonly mode: 'allow-list' };

/** A world of hosts, and how sandboxes of this subject are let out to it. */
export interface EgressSetting extends AsyncDisposable {
  readonly world: World;
  /** Names `api`, `rebound`, `flip` and all below `wild`, and their address; where rules for requests are declared, `limited`, too. */
  readonly policy: AllowList;
  /** In a sandbox with that policy, which checks share. */
  readonly guest: Guest;
  /** A new sandbox that is let out by this policy, or by the setting's. */
  readonly enter: (t: CheckContext, more?: EnterOptions) => Promise<Guest>;
  /** The URL of a host of this world. */
  readonly url: (scheme: 'http' | 'https', host: string, path?: string) => string;
  /** The entry of an allow-list for a host at one of the two usual ports. */
  readonly entry: (host: string, scheme: 'http' | 'https') => string;
  /** Requests whose path or query holds a word of the check's own. */
  readonly arrived: (word: string) => readonly Arrival[];
}

/** How a sandbox of a setting differs from the shared one. */
interface EnterOptions extends Pick<CreateOptions, 'secrets'> {
  readonly network?: NetworkPolicy;
  readonly manifest?: Partial<Manifest>;
}

/** The setting that all checks of a run share. Its servers count what comes, so no check may do what another looks for. */
export function egressSetting(t: CheckContext): Promise<EgressSetting> {
  return t.state.once('egress', async () => {
    const world = await startWorld({ web: false });
    try {
      return await settingIn(t, world, true);
    } catch (error) {
      await world[Symbol.asyncDispose]();
      if (!SandboxError.is(error) || error.code !== 'unsupported') throw error;
    }
    // Names without ports stand for the usual two.
    const world80 = await startWorld({ web: true }).catch((error: unknown) =>
      t.untestable(
        `the subject takes no ports, and 80 and 443 are not to be had: ${String(error)}`,
      ),
    );
    return settingIn(t, world80, false);
  });
}

async function settingIn(t: CheckContext, world: World, ports: boolean): Promise<EgressSetting> {
  const at = (host: string, port: number): string => (ports ? `${host}:${port}` : host);
  const { http, https } = world.ports;
  const entry = (host: string, scheme: 'http' | 'https'): string =>
    at(world.name(host), world.ports[scheme]);
  const requests = t.capabilities.network?.requests
    ? [{ host: entry('limited', 'http'), methods: ['GET'], paths: ['/v1/**'] }]
    : undefined;
  const policy: AllowList = {
    mode: 'allow-list',
    allow: [
      ...[...new Set([entry('api', 'http'), entry('api', 'https')])],
      ...[...new Set([at(`${world.address}/32`, http), at(`${world.address}/32`, https)])],
      ...['rebound', 'flip', '*.wild'].map((host) => entry(host, 'http')),
    ],
    ...(requests ? { requests } : {}),
  };
  const enter: EgressSetting['enter'] = async (context, more = {}) => {
    const { network = policy, manifest = {}, ...rest } = more;
    const spec = 'gantry-manifest/1' as const;
    const sandbox = await context.create({ manifest: { spec, network, ...manifest }, ...rest });
    return Guest.in(context, sandbox);
  };
  const labels = { ...t.state.labels, check: 'shared' };
  const manifest = { spec: 'gantry-manifest/1', network: policy } as const;
  const sandbox = await t.provider.create({ labels, manifest, maxLifetimeMs: 600_000 });
  t.state.record(sandbox.ref, 'shared');
  return {
    ...{ world, policy, enter, entry },
    guest: await Guest.in(t, sandbox),
    url: (scheme, host, path = '/') =>
      `${scheme}://${world.name(host)}:${world.ports[scheme]}${path}`,
    arrived: (word) => world.arrivals.filter(({ url }) => url.includes(word)),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

/** Fails where an answer is one of a host. What the proxy itself says is an error; a connection that is cut says nothing. */
export function refused(
  t: CheckContext,
  { status }: { readonly status: number },
  what: string,
): void {
  t.ok(status === 0 || status >= 400, `${what} was answered with ${status}`);
}
