import { isIP } from 'node:net';

const hostName =
  /^(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

/**
 * Says why an item of a network allow-list is refused, or `undefined`: a host name, which may start
 * with `*.`, or an address or CIDR block; each may end in `:port`, IPv6 then in square brackets.
 */
export function networkRuleProblem(rule: string): string | undefined {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(rule);
  if (bracketed !== null) return addressProblem(bracketed[1] ?? '') ?? portProblem(bracketed[2]);
  if (rule.split(':').length > 2) return addressProblem(rule);
  const [target = '', port] = rule.split(':');
  const problem = /^[\d.]+(?:\/|$)/.test(target) ? addressProblem(target) : hostProblem(target);
  return problem ?? portProblem(port);
}

function hostProblem(host: string): string | undefined {
  return host.length <= 253 && hostName.test(host)
    ? undefined
    : 'neither a host name, an address nor a CIDR block';
}

function addressProblem(text: string): string | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || rest.length > 0)
    return 'not an IP address or CIDR block';
  if (prefix === undefined) return undefined;
  const good = /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
  return good ? undefined : 'the length of the CIDR prefix is out of range';
}

function portProblem(port: string | undefined): string | undefined {
  if (port === undefined) return undefined;
  const good = /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535;
  return good ? undefined : 'the port is not within 1 to 65535';
}
