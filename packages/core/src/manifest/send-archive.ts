import type { Call } from '../contract/call.ts';
import type { WorkspaceTarget } from './workspace-target.ts';

/** Unpacks a tar in a workspace while it is made. A source that fails is the error, whatever the provider makes of a stream that broke off. */
export async function sendArchive(
  tar: AsyncIterable<Uint8Array>,
  target: Pick<WorkspaceTarget, 'putArchive'>,
  call: Call,
): Promise<void> {
  const failures: unknown[] = [];
  const watched = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* tar;
    } catch (error) {
      failures.push(error);
      throw error;
    }
  };
  const [result] = await Promise.allSettled([
    target.putArchive(ReadableStream.from(watched()), call),
  ]);
  if (failures.length > 0) throw failures[0];
  if (result.status === 'rejected') throw result.reason;
}
