import { SandboxError } from '@gantry/core';

/** Encodings that can be read and written, by the labels that people use. */
const both: Readonly<Record<string, BufferEncoding | undefined>> = {
  'utf-8': 'utf8',
  utf8: 'utf8',
  'utf-16le': 'utf16le',
  utf16le: 'utf16le',
  latin1: 'latin1',
  'iso-8859-1': 'latin1',
};

/** Bytes as text; what is no text in this encoding becomes U+FFFD. Reads every encoding that the platform knows. */
export function decodeText(bytes: Uint8Array, encoding = 'utf-8'): string {
  const known = both[encoding.toLowerCase()];
  if (known !== undefined) return Buffer.from(bytes).toString(known);
  try {
    return new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw refused(encoding, 'read', cause);
  }
}

/** Text as bytes. Throws `unsupported` for an encoding that cannot be written. */
export function encodeText(text: string, encoding = 'utf-8'): Uint8Array {
  const known = both[encoding.toLowerCase()];
  if (known === undefined) throw refused(encoding, 'written');
  return Buffer.from(text, known);
}

/** Lines of a text, counted from 1, both ends included, each with its line end. */
export function linesOf(text: string, startLine = 1, endLine: number = Infinity): string {
  if (startLine === 1 && endLine === Infinity) return text;
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  return lines.slice(Math.max(0, startLine - 1), Math.max(0, endLine)).join('');
}

function refused(encoding: string, what: string, cause?: unknown): SandboxError {
  const message = `text in the encoding ${JSON.stringify(encoding)} cannot be ${what}; use bytes`;
  return new SandboxError('unsupported', message, { cause });
}
