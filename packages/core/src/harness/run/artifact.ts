import { createHash, randomUUID } from 'node:crypto';
import type { SnapshotStore } from '../../contract/snapshot-store.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { sandboxName } from './recorded-sandbox.ts';
import type { Pass } from './pass.ts';
import type { Artifact } from './run-types.ts';
import type { Sandbox } from '../../contract/sandbox.ts';

/** How many bytes an artifact may have: it is encrypted in memory. */
const mostBytes = 256 * 1024 * 1024;

/** Where a run's artifacts are in its store. */
export function artifactPrefix(run: string): string {
  return `artifacts/${run}/`;
}

/** Copies a file of a sandbox into the store, encrypted with the run's key, and records it. */
export async function keepArtifact(
  pass: Pass,
  store: SnapshotStore | undefined,
  sandbox: Sandbox,
  place: { readonly scope?: string; readonly step: string },
  path: string,
): Promise<Artifact> {
  if (!store) {
    const message = 'an artifact needs a store: give createHarness a store';
    throw new SandboxError('failed-precondition', message, { operation: 'artifact' });
  }
  const bytes = await sandbox.files.readBytes(path, { signal: pass.signal, length: mostBytes + 1 });
  if (bytes.length > mostBytes) {
    const message = `${path} has more than ${mostBytes} bytes; keep it by a checkpoint, or in parts`;
    throw new SandboxError('resource-exhausted', message, {
      operation: 'artifact',
      retryable: false,
    });
  }
  const key = `${artifactPrefix(pass.run)}${randomUUID()}`;
  const sealed = pass.cipher.sealBytes(bytes, key);
  await store.put(key, new Blob([new Uint8Array(sealed)]).stream(), { size: sealed.length });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const artifact = {
    spec: 'gantry-artifact/1',
    run: pass.run,
    key,
    path,
    sha256,
    size: bytes.length,
  } as const;
  const facts = { sha256, size: bytes.length };
  pass.log.note(
    { ...place, type: 'artifact', sandbox: sandboxName(sandbox.ref), facts },
    { ...artifact },
  );
  return artifact;
}
