/**
 * A file name or path as text that says every byte: bytes that are not UTF-8 are written `\xNN`, a
 * backslash `\\`, and all else as it is. Two names are equal exactly when their texts are.
 */
export function nameText(name: Uint8Array): string {
  const text = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(name);
  const exact = !text.includes('\uFFFD');
  return exact ? text.replaceAll('\\', '\\\\') : escapeBytes(name);
}

/** The bytes of a name that `nameText` wrote. */
export function nameBytes(text: string): Buffer {
  const parts = text.split(/(\\\\|\\x[0-9a-f]{2})/).map((part) => {
    if (part === '\\\\') return Buffer.from('\\');
    return /^\\x[0-9a-f]{2}$/.test(part) ? Buffer.from(part.slice(2), 'hex') : Buffer.from(part);
  });
  return Buffer.concat(parts);
}

/** Text for a terminal: `nameText`, with control characters written `\u{N}` so that none is obeyed. */
export function printableName(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

/** Slow and exact: takes the longest UTF-8 sequence at each place, else one byte. */
function escapeBytes(name: Uint8Array): string {
  let text = '';
  for (let index = 0; index < name.length;) {
    const length = sequenceLength(name[index] ?? 0);
    const character = decode(name.subarray(index, index + length));
    if (character === undefined) text += `\\x${(name[index] ?? 0).toString(16).padStart(2, '0')}`;
    else text += character === '\\' ? '\\\\' : character;
    index += character === undefined ? 1 : length;
  }
  return text;
}

function sequenceLength(first: number): number {
  if (first >= 0xf0) return 4;
  if (first >= 0xe0) return 3;
  return first >= 0xc0 ? 2 : 1;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Not UTF-8 is an answer here, not a failure: the caller writes the byte's number.
    return undefined;
  }
}
