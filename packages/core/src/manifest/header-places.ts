import type { NetworkPolicy } from '../contract/network.ts';
import type { SecretRule } from '../contract/secret-rule.ts';
import { parseNetworkTarget } from './network-rule.ts';

/** One header at one host of an allow-list. */
export interface HeaderPlace {
  /** As the allow-list has it. */
  readonly host: string;
  readonly header: string;
  /** The variable of the sandbox that stands for the secret. */
  readonly name: string;
}

type Rules = Readonly<Record<string, SecretRule>>;
type HostName = { readonly name: string; readonly subdomains: boolean };

const elsewhere = 'or use withEgress of @gantry/egress with local or docker';

/** Where a provider sets these secrets that knows headers by host name and nothing else. Only for rules without a problem. */
export function headerPlaces(secrets: Rules, network: NetworkPolicy): readonly HeaderPlace[] {
  const entries = network.mode === 'allow-list' ? network.allow : [];
  return Object.entries(secrets).flatMap(([name, rule]) => placesOf(name, rule, entries));
}

/** Why such a provider cannot keep the rule of one of these secrets under this policy; `undefined` where it can. */
export function headerProblem(
  name: string,
  secrets: Rules,
  network: NetworkPolicy,
): string | undefined {
  const rule = secrets[name];
  if (rule?.header === undefined) {
    return `the provider sets secrets in headers only: name the header it belongs in, ${elsewhere}`;
  }
  if (network.mode === 'open') {
    return `the provider sets headers at the hosts of an allow-list: name those that may be reached, ${elsewhere}`;
  }
  const entries = network.mode === 'allow-list' ? network.allow : [];
  return (
    rule.hosts.map((host) => hostProblem(host, entries)).find((found) => found !== undefined) ??
    clash(name, secrets, network)
  );
}

function placesOf(
  name: string,
  { header = '', hosts }: SecretRule,
  entries: readonly string[],
): readonly HeaderPlace[] {
  const wanted = hosts.map(hostNameOf);
  return entries
    .filter((entry) => wanted.some((host) => covers(host, hostNameOf(entry))))
    .map((host) => ({ host, header: header.toLowerCase(), name }));
}

function hostProblem(host: string, entries: readonly string[]): string | undefined {
  const own = hostNameOf(host);
  const { port = 443 } = parseNetworkTarget(host);
  if (own === undefined || port !== 443) {
    return `the provider sets headers by host name, at port 443: ${host} is no such host; name one, ${elsewhere}`;
  }
  // Which of two overlapping entries a vendor goes by is its own affair: each has all that it is due.
  const named = entries.some((entry) => same(hostNameOf(entry), own));
  const wider = entries.find((entry) => covers(hostNameOf(entry), own));
  if (named || wider === undefined) return undefined;
  return `the provider sets headers at entries of network.allow: name ${host} there, beside ${wider}`;
}

/** Whether another secret is for the same header of the same host. */
function clash(name: string, secrets: Rules, network: NetworkPolicy): string | undefined {
  const places = headerPlaces(secrets, network);
  const twice = places.find((place) =>
    places.some(
      (other) =>
        place.name === name &&
        other.name !== name &&
        other.host === place.host &&
        other.header === place.header,
    ),
  );
  return twice && `another secret is for the header ${twice.header} of ${twice.host}, too`;
}

function hostNameOf(target: string): HostName | undefined {
  const parsed = parseNetworkTarget(target);
  return 'name' in parsed ? parsed : undefined;
}

function same(left: HostName | undefined, right: HostName | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  return left.name === right.name && left.subdomains === right.subdomains;
}

/** Whether every name that the second stands for is one of the first. */
function covers(wide: HostName | undefined, narrow: HostName | undefined): boolean {
  if (wide === undefined || narrow === undefined) return false;
  if (same(wide, narrow)) return true;
  return wide.subdomains && narrow.name.endsWith(`.${wide.name}`);
}
