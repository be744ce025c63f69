/** Headers as they were sent: in order, with their capitals, and with what is sent twice. */
export type HeaderList = readonly (readonly [string, string])[];

/** Headers that speak of one connection, not of the message (RFC 9110, 7.6.1), and those that speak to a proxy. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Pairs of Node's `rawHeaders`, without the pseudo headers of HTTP/2. */
export function headerList(rawHeaders: readonly string[]): HeaderList {
  const list: [string, string][] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    if (!name.startsWith(':')) list.push([name, value]);
  }
  return list;
}

/** Every value of a header. */
export function headerValues(headers: HeaderList, name: string): readonly string[] {
  return headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
}

/** The headers without those that speak of the connection they came by, and without these. */
export function endToEnd(headers: HeaderList, without: readonly string[] = []): HeaderList {
  const named = headerValues(headers, 'connection')
    .flatMap((value) => value.split(','))
    .map((name) => name.trim().toLowerCase());
  const dropped = new Set([...named, ...without]);
  return headers.filter(([name]) => {
    const lower = name.toLowerCase();
    return !hopByHop.has(lower) && !dropped.has(lower);
  });
}

/** Name, value, name, value: what Node's HTTP/1 takes, and sends as it is. */
export function flat(headers: HeaderList): string[] {
  return headers.flatMap(([name, value]) => [name, value]);
}

/** Name -> value: what Node's HTTP/2 takes. What is sent twice is one list (RFC 9110, 5.3), but for cookies, which are none. */
export function grouped(headers: HeaderList): Record<string, string | string[]> {
  const groups = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    groups.set(lower, [...(groups.get(lower) ?? []), value]);
  }
  return Object.fromEntries(
    [...groups].map(([name, values]) => [name, name === 'set-cookie' ? values : values.join(', ')]),
  );
}
