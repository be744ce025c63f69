import type {
  Capabilities,
  CreateOptions,
  ManifestEntry,
  NetworkPolicy,
  Provider,
  Sandbox,
} from '@gantry/core';
import { accountEnvironment, prepareAccount } from '../chassis/guest-account.ts';
import { type SetHeader, type SetHeaders, setHeadersProblem } from '../chassis/set-headers.ts';
import { unsupported } from './api-error.ts';
import { guestHome, guestUser, preparedMarker } from './e2b-sandbox.ts';
import type { NetworkConfig, NewSandbox } from './wire-bodies.ts';

const account = { name: guestUser, home: guestHome, marker: preparedMarker } as const;

/** What every process of a sandbox finds in its environment, before what the sandbox itself was given. */
export function guestEnvironment(sandboxId: string, request: NewSandbox): Record<string, string> {
  return {
    ...accountEnvironment(account),
    E2B_SANDBOX: 'true',
    E2B_SANDBOX_ID: sandboxId,
    E2B_TEMPLATE_ID: request.templateID,
    ...request.envVars,
  };
}

/**
 * What a provider is asked for, so that a sandbox of it can pass for one of E2B: a root file system that its
 * user can write, and the network that was asked for. Throws the vendor's error for what it cannot give.
 */
export function guestRequest(
  provider: Provider,
  capabilities: Capabilities,
  request: NewSandbox,
  explicitInternet: boolean,
  mounts: Readonly<Record<string, ManifestEntry>>,
  headers: SetHeaders,
): CreateOptions {
  if (!capabilities.root?.modes.includes('copy-on-write')) {
    throw unsupported(`provider ${provider.id} has no root file system that a guest can write`);
  }
  const { part, ...resolving } = headers.options;
  return {
    ...resolving,
    manifest: {
      spec: 'gantry-manifest/1',
      ...part,
      root: 'copy-on-write',
      network: networkPolicy(provider, request, explicitInternet),
      ...(Object.keys(mounts).length > 0 ? { entries: mounts } : {}),
      labels: { 'gantry-emulator': 'e2b' },
    },
  };
}

/** Turns a fresh sandbox into one that has the vendor's user and home. */
export async function prepareGuest(sandbox: Sandbox): Promise<void> {
  const problem = await prepareAccount(sandbox, account);
  if (problem !== undefined) {
    throw unsupported(`the sandbox cannot be given the user ${guestUser}: ${problem}`);
  }
}

/** Without a word about it a sandbox gets what the vendor gives, all of the network, as far as there is one. */
export function networkPolicy(
  provider: Provider,
  request: Pick<NewSandbox, 'network' | 'allow_internet_access'>,
  explicitInternet: boolean,
): NetworkPolicy {
  const modes = provider.capabilities.network?.modes ?? ['none'];
  const { network = {}, allow_internet_access: internet } = request;
  const problem = setHeadersProblem(provider, setHeadersOf(network));
  if (problem !== undefined) throw unsupported(problem);
  if (internet === false || deniesAll(network)) return { mode: 'none' };
  const asked = (internet === true && explicitInternet) || restricts(network);
  if (restricts(network) && modes.includes('allow-list') && network.allowOut) {
    return { mode: 'allow-list', allow: network.allowOut };
  }
  if (modes.includes('open') && !restricts(network)) return { mode: 'open' };
  if (!asked) return { mode: 'none' };
  throw unsupported(`provider ${provider.id} has no network of that kind`);
}

/** The headers that are set in requests. */
export function setHeadersOf({ rules = {} }: NetworkConfig): readonly SetHeader[] {
  return Object.entries(rules).flatMap(([host, list]) =>
    list.flatMap(({ transform }) =>
      Object.entries(transform?.headers ?? {}).map(([header, text]) => ({ host, header, text })),
    ),
  );
}

/** Whether nothing can be reached. */
export function deniesAll({ allowOut = [], denyOut = [] }: NetworkConfig): boolean {
  return allowOut.length === 0 && denyOut.some((target) => target === '0.0.0.0/0');
}

function restricts(config: NetworkConfig): boolean {
  const { allowOut = [], denyOut = [], rules = {}, egressProxy } = config;
  const proxied = egressProxy !== undefined && egressProxy !== null;
  return allowOut.length > 0 || denyOut.length > 0 || Object.keys(rules).length > 0 || proxied;
}
