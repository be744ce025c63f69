import type { OperationOptions } from '../contract/call.ts';
import type { SandboxPath } from '../contract/file-types.ts';
import type { InputSource } from '../contract/sandbox.ts';
import type { SandboxError } from '../errors/sandbox-error.ts';
import { toSandboxError } from '../errors/to-sandbox-error.ts';
import { bytesOf } from '../process/byte-source.ts';
import { wholeInput } from '../process/whole-input.ts';
import { operate } from '../provider/operate.ts';
import type { Session } from '../provider/session.ts';
import { textPath } from './native-files.ts';
import { runScript } from './run-script.ts';

/** Bytes of a download that arrive while the guest's rights are looked at. */
const aheadBytes = 4 * 1024 * 1024;

/**
 * Bytes that reach a script with its command. Base64 makes three of them four, where the transport takes
 * text only.
 */
export function inlineLimit({ driver, capabilities }: Session): number {
  const most = driver.inlineInputBytes ?? 0;
  return capabilities.traits.output === 'text' ? Math.floor(most / 4) * 3 : most;
}

/** Moves contents by the vendor's own API; absent where it has none, or where they are short enough to go with a command. */
export async function upload(
  session: Session,
  operation: string,
  contents: InputSource,
  options: OperationOptions,
): Promise<string | undefined> {
  const { driver, handle } = session;
  const { transfer } = driver;
  if (!transfer || wholeInput(contents, inlineLimit(session))) return undefined;
  const context = { provider: driver.id, operation, ref: handle.ref };
  return operate(context, options, (call) =>
    transfer.upload(handle, ReadableStream.from<Uint8Array>(bytesOf(contents)), call),
  );
}

/** A whole file by the vendor's own API; absent where it has none, or takes no such path. */
export async function download(
  session: Session,
  operation: string,
  path: SandboxPath,
  options: OperationOptions,
): Promise<ReadableStream<Uint8Array> | undefined> {
  const { driver, handle } = session;
  const { transfer } = driver;
  const text = textPath(session, operation, path);
  if (!transfer || text === undefined) return undefined;
  const context = { provider: driver.id, operation, ref: handle.ref };
  const fetching = operate(context, options, async (call) =>
    readAhead(await transfer.download(handle, text, call), (error) =>
      toSandboxError(transfer.broken?.(error) ?? error, context),
    ),
  );
  fetching.catch(() => undefined); // Awaited below; the script knows better why it failed.
  try {
    // As the guest, while the bytes are on their way: what it may not see is not handed out.
    await runScript(session, { operation, script: 'readable', path }, options);
  } catch (error) {
    void fetching.then((stream) => stream.cancel()).catch(() => undefined);
    throw error;
  }
  return fetching;
}

function readAhead(
  stream: ReadableStream<Uint8Array>,
  named: (error: unknown) => SandboxError,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          throw named(error);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: aheadBytes }),
  );
}
