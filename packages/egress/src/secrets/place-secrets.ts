import { brokering } from '@gantry/core/node';
import type { HeaderList } from '../http/header-list.ts';
import type { BrokeredSecret } from './broker.ts';

/** What of a request may carry a secret. */
export interface Carrier {
  readonly headers: HeaderList;
  /** With the question mark, or empty. */
  readonly query: string;
}

/** Headers by which clients say who they are. A sandbox must not say so at a host that a secret is for. */
const credentialHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'x-api-key',
  'api-key',
  'apikey',
  'x-goog-api-key',
  'x-auth-token',
  'x-access-token',
  'x-amz-security-token',
  'private-token',
  'job-token',
]);

/** The secrets that a request will carry: those that are set in any case, and those whose placeholder is in it. */
export function secretsOf(
  carrier: Carrier,
  secrets: readonly BrokeredSecret[],
): readonly BrokeredSecret[] {
  return secrets.filter(
    ({ rule, placeholder }) =>
      rule.header !== undefined || rule.query !== undefined || holds(carrier, placeholder),
  );
}

/**
 * The request with its secrets in it. Credentials of the client's own are taken out first, so that nobody's account but the one of
 * the secret is spoken to.
 */
export function placeSecrets(
  carrier: Carrier,
  secrets: readonly BrokeredSecret[],
  values: ReadonlyMap<string, string>,
): Carrier {
  let { headers, query } = carrier;
  const swaps = secrets
    .filter(({ rule }) => rule.header === undefined && rule.query === undefined)
    .map(({ name, placeholder }) => [placeholder, values.get(name) ?? ''] as const);
  headers = headers.flatMap(([name, value]) => {
    const swapped = name.toLowerCase() === 'host' ? value : swapIn(value, swaps);
    const own = swapped === value && credentialHeaders.has(name.toLowerCase());
    return own ? [] : [[name, swapped] as const];
  });
  for (const [placeholder, value] of swaps) {
    query = query
      .replaceAll(placeholder, encodeURIComponent(value))
      .replaceAll(encodeURIComponent(placeholder), encodeURIComponent(value));
  }
  for (const { name, rule } of secrets) {
    const value = values.get(name) ?? '';
    const { header, query: parameter } = rule;
    if (header !== undefined) {
      const others = headers.filter(([other]) => other.toLowerCase() !== header.toLowerCase());
      headers = [...others, [header, brokering.headerText(header, rule.format, value)]];
    }
    if (parameter !== undefined) query = withParameter(query, parameter, value);
  }
  return { headers, query };
}

function holds({ headers, query }: Carrier, placeholder: string): boolean {
  const swaps = [[placeholder, '']] as const;
  return (
    query.includes(placeholder) ||
    query.includes(encodeURIComponent(placeholder)) ||
    headers.some(([name, value]) => name.toLowerCase() !== 'host' && swapIn(value, swaps) !== value)
  );
}

/** Swaps in plain text and, for `Basic`, within what is encoded: git and curl send a token as a password. */
function swapIn(text: string, swaps: readonly (readonly [string, string])[]): string {
  const plain = swaps.reduce(
    (result, [placeholder, value]) => result.replaceAll(placeholder, () => value),
    text,
  );
  const basic = /^basic +([A-Za-z0-9+/=]+)$/i.exec(text)?.[1];
  if (plain !== text || basic === undefined) return plain;
  const decoded = Buffer.from(basic, 'base64').toString('latin1');
  const swapped = swaps.reduce(
    (result, [placeholder, value]) => result.replaceAll(placeholder, () => value),
    decoded,
  );
  if (swapped === decoded) return text;
  return `Basic ${Buffer.from(swapped, 'latin1').toString('base64')}`;
}

function withParameter(query: string, name: string, value: string): string {
  const others = query
    .slice(1)
    .split('&')
    .filter((part) => part !== '' && nameOf(part) !== name);
  return `?${[...others, `${encodeURIComponent(name)}=${encodeURIComponent(value)}`].join('&')}`;
}

function nameOf(part: string): string {
  const [name = ''] = part.split('=');
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return name;
  }
}
