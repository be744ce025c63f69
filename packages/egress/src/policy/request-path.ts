/** A path as it was sent, and as a server may read it. */
export interface RequestPath {
  readonly sent: string;
  /** Decoded once, with runs of slashes made one. */
  readonly read: string;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a path (without its query) for rules on paths. Where servers are known to disagree on what it means, it is `undefined`: dot
 * segments in any encoding, backslashes, control characters, what decodes to another encoding of these, and bytes that are no UTF-8.
 */
export function readPath(sent: string): RequestPath | undefined {
  if (!sent.startsWith('/') || !/^[!-~]*$/.test(sent) || /%(?![0-9A-Fa-f]{2})/.test(sent))
    return undefined;
  let decoded: string;
  try {
    decoded = utf8.decode(Buffer.from(unescapeBytes(sent), 'latin1'));
  } catch {
    return undefined;
  }
  if (/[\\\p{Cc}]/u.test(decoded) || /%(?:2[ef]|5c|25|0|1|7f)/i.test(decoded)) return undefined;
  const read = decoded.replaceAll(/\/+/g, '/');
  // Some servers drop what follows a `;` in a segment before they look for dots.
  const dots = read.split('/').some((segment) => /^\.{1,2}(?:;.*)?$/.test(segment));
  return dots ? undefined : { sent, read };
}

/** Tells whether a path matches one of the patterns of a rule, in both its forms. */
export function pathMatcher(patterns: readonly string[]): (path: RequestPath) => boolean {
  const read = patterns.map(expression);
  const sent = patterns.map((pattern) => expression(encodeURI(pattern)));
  return (path) =>
    sent.some((pattern) => pattern.test(path.sent)) &&
    read.some((pattern) => pattern.test(path.read));
}

function expression(pattern: string): RegExp {
  const segments = pattern.slice(1).split('/');
  const parts = segments.map((segment, index) => {
    const last = index === segments.length - 1;
    if (segment === '**') return last ? '/.*' : '(?:/[^/]*)*';
    return `/${segment.split('*').map(escaped).join('[^/]*')}`;
  });
  return new RegExp(`^${parts.join('')}$`, 's');
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);
}

function unescapeBytes(text: string): string {
  return text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
