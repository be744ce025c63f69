const longest = 200;

/** A value for a message: short, one line, exact where it can be. */
export function describeValue(value: unknown): string {
  const text = value instanceof Uint8Array ? describeBytes(value) : asText(value);
  return text.length > longest ? `${text.slice(0, longest)}… (${text.length} characters)` : text;
}

function describeBytes(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 24)).toString('hex');
  return `${bytes.length} bytes ${start}${bytes.length > 24 ? '…' : ''}`;
}

function asText(value: unknown): string {
  if (value === undefined) return 'undefined';
  if (typeof value === 'function') return `function ${value.name}`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  try {
    return JSON.stringify(value);
  } catch (error) {
    return `a value that JSON cannot hold (${String(error)})`;
  }
}

/** The same for anything thrown: code and message, and what lies underneath. */
export function describeError(error: unknown): string {
  if (error instanceof SuppressedError) {
    return `${describeError(error.suppressed)}; then, while cleaning up, ${describeError(error.error)}`;
  }
  if (!(error instanceof Error)) return `threw ${describeValue(error)}`;
  const code = 'code' in error && typeof error.code === 'string' ? ` [${error.code}]` : '';
  const cause =
    error.cause === undefined ? '' : ` (because: ${describeError(error.cause).slice(0, longest)})`;
  return `${error.name}${code}: ${error.message}${cause}`;
}
