import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { constants, gunzipSync } from 'node:zlib';
import { type RestoreLimits, type Sandbox, SandboxError, type SnapshotStore } from '@gantry/core';
import { exportOci, importTar, memoryStore } from '@gantry/core/snapshot';
import { z } from 'zod';

/** What everything in an archive is below of. */
const directory = 'workspace';

const layout = z.object({ manifests: z.tuple([z.object({ digest: z.string() })]) });
const image = z.object({ layers: z.tuple([z.object({ digest: z.string() })]) });

/** A workspace as a gzip-compressed tar file. The host makes it of a snapshot, so that no program of the sandbox has a say in it. */
export async function packWorkspace(sandbox: Sandbox): Promise<Uint8Array> {
  const store = memoryStore();
  const snapshot = await sandbox.snapshot(store);
  const parent = await mkdtemp(path.join(tmpdir(), 'gantry-archive-'));
  try {
    const folder = path.join(parent, 'image');
    await exportOci(snapshot, store, folder);
    const read = (digest: string): Promise<Buffer> =>
      readFile(path.join(folder, 'blobs', ...digest.split(':')));
    const json = (bytes: Buffer): unknown => JSON.parse(bytes.toString());
    const [{ digest }] = layout.parse(
      json(await readFile(path.join(folder, 'index.json'))),
    ).manifests;
    const [layer] = image.parse(json(await read(digest))).layers;
    return new Uint8Array(await read(layer.digest));
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}

/** A snapshot of such an archive, in a store of its own. Throws `invalid-argument` for what is none. */
export async function unpackWorkspace(
  data: string | ArrayBuffer | Uint8Array,
  limits: RestoreLimits | undefined,
): Promise<{ readonly snapshot: string; readonly store: SnapshotStore }> {
  const bytes =
    typeof data === 'string'
      ? Buffer.from(data, 'base64')
      : data instanceof Uint8Array
        ? data
        : new Uint8Array(data);
  if (!isOfWorkspace(bytes)) {
    const message =
      'hydrateWorkspace takes what persistWorkspace of this client gave, or base64 of it';
    throw new SandboxError('invalid-argument', message, { operation: 'hydrateWorkspace' });
  }
  const store = memoryStore();
  const name = 'the archive of the workspace';
  const options = { directory, name, ...(limits === undefined ? {} : { limits }) };
  const { id } = await importTar(new Blob([new Uint8Array(bytes)]).stream(), store, options);
  return { snapshot: id, store };
}

/** Whether the first thing in it is the workspace: of another tar file nothing would be found, which looks like an empty one. */
function isOfWorkspace(bytes: Uint8Array): boolean {
  try {
    const start = gunzipSync(bytes.subarray(0, 4096), { finishFlush: constants.Z_SYNC_FLUSH });
    const [name = ''] = start.toString('latin1', 0, 100).split('\0');
    return name.replace(/\/$/, '') === directory;
  } catch {
    // No gzip at all.
    return false;
  }
}
