/**
 * What the served page may do: run the scripts that came with it and talk to this server. Styles may be inline, since the
 * component library, the editor and the terminal make theirs at run time. Frames show ports of sandboxes.
 */
export const pagePolicy: string = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  'frame-src http://127.0.0.1:* http://localhost:*',
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** For every answer. */
export const commonHeaders: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
};

/** For bytes that a sandbox wrote: never run, never shown as a page of this server. */
export const foreignBytesPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'";
