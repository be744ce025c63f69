import type { OperationOptions } from '../contract/call.ts';
import type { SandboxPath } from '../contract/file-types.ts';
import type { WriteOptions } from '../contract/files.ts';
import type { InputSource } from '../contract/sandbox.ts';
import { bytesOf } from '../process/byte-source.ts';
import { operate } from '../provider/operate.ts';
import type { Session } from '../provider/session.ts';
import { insidePathBytes } from './inside-path.ts';

/**
 * Reads by the driver's own stream. Absent where the driver has none, or for a path that is not
 * UTF-8: vendors' APIs take text, so core goes through the sandbox's shell for those.
 */
export function nativeRead(
  session: Session,
  path: SandboxPath,
  offset: number,
  length: number | undefined,
  options: OperationOptions,
): Promise<ReadableStream<Uint8Array>> | undefined {
  const { files } = session.driver;
  const text = textPath(session, 'files.read', path);
  if (!files || text === undefined) return undefined;
  const range = { offset, ...(length === undefined ? {} : { length }) };
  const context = { provider: session.driver.id, operation: 'files.read', ref: session.handle.ref };
  return operate(context, options, (call) => files.read(session.handle, text, range, call));
}

/** Writes by the driver's own stream; absent under the same conditions as `nativeRead`. */
export function nativeWrite(
  session: Session,
  path: SandboxPath,
  contents: InputSource,
  options: WriteOptions,
): Promise<void> | undefined {
  const { files } = session.driver;
  const text = textPath(session, 'files.write', path);
  if (!files || text === undefined) return undefined;
  const { mode } = options;
  const context = {
    provider: session.driver.id,
    operation: 'files.write',
    ref: session.handle.ref,
  };
  return operate(context, options, (call) => {
    const stream = ReadableStream.from<Uint8Array>(bytesOf(contents));
    return files.write(session.handle, text, stream, mode === undefined ? {} : { mode }, call);
  });
}

/** A path as text, for vendors' APIs; absent where it is not UTF-8. */
export function textPath(
  session: Session,
  operation: string,
  path: SandboxPath,
): string | undefined {
  const bytes = Buffer.from(insidePathBytes(session, operation, path));
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined;
}
