import type { IncomingMessage } from 'node:http';

/** Enough for the largest file that a tool writes, as JSON. */
const mostBytes = 32 * 1024 * 1024;

/** The JSON of a request. `undefined`: too large, or no JSON. */
export async function readBody(
  request: IncomingMessage,
): Promise<{ readonly json: unknown } | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBytes) return undefined;
    chunks.push(chunk);
  }
  try {
    const json: unknown = JSON.parse(Buffer.concat(chunks).toString());
    return { json };
  } catch {
    // The parser's only complaint: what came is no JSON.
    return undefined;
  }
}
