import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { SandboxError, type Snapshot, type SnapshotStore } from '@gantry/core';
import { exportOci } from '@gantry/core/snapshot';
import { extract, type Header } from 'tar-stream';
import { z } from 'zod';
import type { SnapshotEntriesAnswer } from '../../protocol/snapshots.ts';

type Entry = SnapshotEntriesAnswer['entries'][number];

/** More than this is not unpacked for a look; a rehydrated sandbox shows it. */
const mostBytes = 256 << 20;
const mostShown = 4 << 20;

const layoutSchema = z.object({ manifests: z.array(z.object({ digest: z.string() })).length(1) });
const imageSchema = z.object({ layers: z.array(z.object({ digest: z.string() })).length(1) });

const types: Partial<Record<NonNullable<Header['type']>, Entry['type']>> = {
  file: 'file',
  directory: 'directory',
  symlink: 'symlink',
  link: 'hardlink',
};

/** The entries of one directory of a snapshot's contents, sorted by name. */
export async function snapshotEntries(
  snapshot: Snapshot,
  store: SnapshotStore,
  directory: string,
): Promise<readonly Entry[]> {
  // A layer has a directory twice: before what is in it, and after, with its times.
  const found = new Map<string, Entry>();
  const inside = asked(directory) || '.';
  await walk(snapshot, store, async ({ name, type, size }, place) => {
    if (place === '' || path.posix.dirname(place) !== inside) return;
    const kind = types[type ?? 'file'];
    if (!kind) throw new SandboxError('internal', `a layer has an entry ${name} of type ${type}`);
    const entry = { name: path.posix.basename(place), type: kind };
    found.set(place, kind === 'file' ? { ...entry, size } : entry);
  });
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The bytes of one file of a snapshot. `not-found` where it has no such file, `resource-exhausted` where it is too large to show. */
export async function snapshotFile(
  snapshot: Snapshot,
  store: SnapshotStore,
  file: string,
): Promise<Uint8Array<ArrayBuffer>> {
  let wanted = asked(file);
  // A hard link is told by the name of the file's first entry, which comes earlier: look once more for that.
  for (let turn = 0; turn < 2; turn += 1) {
    let bytes: Uint8Array<ArrayBuffer> | undefined;
    let first: string | undefined;
    await walk(snapshot, store, async ({ type, size, linkname }, place, read) => {
      if (place !== wanted) return;
      if (type === 'link') first = inLayer(linkname ?? '');
      if (type !== 'file') return;
      if (size > mostShown) {
        const message = `${file} has ${size} bytes, more than is shown; rehydrate the snapshot to read it`;
        throw new SandboxError('resource-exhausted', message);
      }
      bytes = await read();
    });
    if (bytes) return bytes;
    if (first === undefined) break;
    wanted = first;
  }
  throw new SandboxError('not-found', `the snapshot has no file ${file}`);
}

/** Calls `visit` for each entry of a snapshot's contents; `read` gives its bytes. */
async function walk(
  snapshot: Snapshot,
  store: SnapshotStore,
  visit: (
    header: Header,
    place: string,
    read: () => Promise<Uint8Array<ArrayBuffer>>,
  ) => Promise<void>,
): Promise<void> {
  if (snapshot.contents.bytes > mostBytes) {
    const message = `the snapshot has ${snapshot.contents.bytes} bytes, too many for a look; rehydrate it`;
    throw new SandboxError('resource-exhausted', message);
  }
  const directory = await mkdtemp(path.join(tmpdir(), 'gantry-demo-'));
  try {
    await exportOci(snapshot, store, directory);
    const layer = await layerOf(directory);
    const unpacking = extract();
    const reading = pipeline(createReadStream(layer), createGunzip(), unpacking);
    const visiting = (async () => {
      for await (const entry of unpacking) {
        await visit(entry.header, inLayer(entry.header.name), async () =>
          Uint8Array.from(await buffer(entry)),
        );
        entry.resume();
      }
    })();
    await Promise.all([reading, visiting]);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function layerOf(directory: string): Promise<string> {
  const json = async (...names: string[]): Promise<unknown> =>
    JSON.parse(await readFile(path.join(directory, ...names), 'utf8'));
  const blob = (digest: string): string[] => ['blobs', ...digest.split(':')];
  const [image] = layoutSchema.parse(await json('index.json')).manifests;
  const [layer] = imageSchema.parse(await json(...blob(image?.digest ?? ''))).layers;
  return path.join(directory, ...blob(layer?.digest ?? ''));
}

/** A path as the workspace has it, of one in a layer. */
function inLayer(name: string): string {
  return name.replace(/^workspace\/?/, '').replace(/\/+$/, '');
}

/** A path as the workspace has it, of one that the page gave. */
function asked(place: string): string {
  return place.replace(/^\/workspace(?=\/|$)/, '').replace(/^(?:\.?\/)+|^\.$|\/+$/g, '');
}
