import { randomUUID } from 'node:crypto';
import { type FileTransfer, SandboxError } from '@gantry/core/driver';
import { fromVendor, withVendor } from './errors.ts';
import type { VercelHandle } from './handle.ts';
import { runSandboxScript } from './sandbox-script.ts';

/** Most bytes of one upload: the SDK keeps all of it in memory, zipped and not. */
const pieceBytes = 16 * 1024 * 1024;

/** The vendor's file API: for moving bytes only. */
export const transfer: FileTransfer<VercelHandle> = {
  upload: (handle, contents, { signal }) => uploadFile(handle, contents, signal),
  async download({ sandbox }, path, { signal }) {
    const stream = await withVendor(() => sandbox.currentSession().readFile({ path }, { signal }));
    if (stream) return ReadableStream.from<Uint8Array>(bytesOf(stream));
    const details = { path, reason: 'not-found' };
    throw new SandboxError('not-found', `there is no file ${path}`, { details });
  },
  broken: fromVendor,
};

/** Stores bytes in a new file of the user's, piece by piece, and returns its path. On rejection it is gone. */
export async function uploadFile(
  handle: VercelHandle,
  contents: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): Promise<string> {
  const path = `/tmp/.gantry-${randomUUID()}`;
  const part = `${path}.part`;
  const session = handle.sandbox.currentSession();
  try {
    let first = true;
    for await (const content of inPieces(contents)) {
      const file = { path: first ? path : part, content, mode: 0o600 };
      await withVendor(() => session.writeFiles([file], { signal }));
      if (!first) await append(handle, path, part);
      first = false;
    }
    return path;
  } catch (error) {
    // What failed is told.
    await runSandboxScript(handle, 'rm -f -- "$1" "$2"', [path, part]).catch(() => undefined);
    throw error;
  }
}

async function append(handle: VercelHandle, path: string, part: string): Promise<void> {
  const script = 'cat -- "$2" >>"$1" && rm -f -- "$2"';
  const { code, stderr } = await runSandboxScript(handle, script, [path, part]);
  if (code === 0) return;
  const full = stderr.includes('No space left');
  const details = full ? { details: { reason: 'no-space' } } : {};
  throw new SandboxError(full ? 'resource-exhausted' : 'unknown', stderr.trim(), details);
}

/** At least one, which may be empty. */
async function* inPieces(contents: ReadableStream<Uint8Array>): AsyncGenerator<Buffer, void> {
  let held: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of contents) {
    held.push(chunk);
    length += chunk.length;
    if (length < pieceBytes) continue;
    yield Buffer.concat(held);
    held = [];
    length = 0;
  }
  yield Buffer.concat(held);
}

async function* bytesOf(stream: NodeJS.ReadableStream): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of stream) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}
