import { type IpAddress, readAddress } from './ip-address.ts';

/** A host as a client named it, in the one form that it is compared in. */
export interface Host {
  /** A name in lower case without a dot at its end, or the canonical text of an address. */
  readonly text: string;
  /** Present for a literal address. */
  readonly address?: IpAddress;
}

const label = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/;

/**
 * Reads a host name, a dotted IPv4 address, or an IPv6 address with or without brackets. Everything else is `undefined`: above all the
 * forms in which some programs read an address and others a name (`0x7f.1`, `2130706433`, `017700000001`, full-width digits).
 */
export function readHost(text: string): Host | undefined {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  const address = readAddress(bare);
  if (address !== undefined) {
    const bracketed = bare.length !== text.length;
    return bracketed && !bare.includes(':') ? undefined : { text: address.text, address };
  }
  const name = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  const labels = name.split('.');
  const last = labels.at(-1) ?? '';
  // A last label that is a number makes the whole an IPv4 address to every URL parser.
  const numeric = /^(?:\d+|0x[0-9a-f]*)$/.test(last);
  const good =
    name.length <= 253 && !numeric && labels.every((part) => part.length <= 63 && label.test(part));
  return good ? { text: name } : undefined;
}

/** Reads `host:port` or `host`; a port must be given as decimal digits without zeros before them. */
export function readAuthority(
  text: string,
  defaultPort: number | undefined,
): { readonly host: Host; readonly port: number } | undefined {
  const match = /^(\[[^\]]*\]|[^:]*)(?::([1-9]\d{0,4}))?$/.exec(text);
  if (match === null) return undefined;
  const host = readHost(match[1] ?? '');
  const port = match[2] === undefined ? defaultPort : Number(match[2]);
  return host === undefined || port === undefined || port > 65_535 ? undefined : { host, port };
}

/** Host and port as in a URL. */
export function authorityOf({ text, address }: Host, port: number): string {
  return `${address?.family === 'ipv6' ? `[${text}]` : text}:${port}`;
}
