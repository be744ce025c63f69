import type { OperationOptions } from '../contract/call.ts';
import type { InputSource } from '../contract/sandbox.ts';
import { bytesOf } from '../process/byte-source.ts';
import type { Session } from '../provider/session.ts';
import { type ScriptRun, runScript } from './run-script.ts';

/** Bytes per command: the base64 of this stays under the 128 KiB that Linux allows one argument (execve(2)). */
const chunkBytes = 90_000;

/**
 * Writes a file where commands take no input: chunk by chunk as base64 arguments into a file beside
 * it, which then replaces it at once. One command per 90 kB; native files are the better way.
 */
export async function writeByArguments(
  session: Session,
  run: ScriptRun,
  contents: InputSource,
  options: OperationOptions,
): Promise<void> {
  const [mode = '', temporary = ''] = run.args ?? [];
  const append = (base64: string): Promise<unknown> =>
    runScript(session, { ...run, script: 'append', args: [temporary, base64] }, options);
  await append('');
  for await (const bytes of bytesOf(contents)) {
    for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
      await append(Buffer.from(bytes.subarray(offset, offset + chunkBytes)).toString('base64'));
    }
  }
  await runScript(session, { ...run, script: 'publish', args: [mode, temporary] }, options);
}
