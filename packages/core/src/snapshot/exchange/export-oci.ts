import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Call, OperationOptions } from '../../contract/call.ts';
import type { SnapshotStore } from '../../contract/snapshot-store.ts';
import type { Snapshot, SnapshotProgress } from '../../contract/snapshot-types.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { hostError } from '../../manifest/host-error.ts';
import { operate } from '../../provider/operate.ts';
import { snapshotId } from '../format/snapshot-record.ts';
import { ProgressReporter } from '../progress.ts';
import { openRepository } from '../repository/open-repository.ts';
import type { Repository } from '../repository/repository.ts';
import { layerTar } from './layer-tar.ts';

const operation = 'exportOci';
const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** What is exported. */
export interface ExportOptions extends OperationOptions {
  /** `one` layer with everything (the default), or a `chain`: one for each ancestor in the store, the later ones with what changed. */
  readonly layers?: 'one' | 'chain';
  /** For what machine the image says that it is, in OCI's terms. Default: this one's. */
  readonly architecture?: string;
  readonly onProgress?: (progress: SnapshotProgress) => void;
}

/** What was written. */
export interface OciImage {
  /** `sha256:…` of the image manifest. */
  readonly digest: string;
  readonly layers: number;
  /** Bytes of all layers, compressed. */
  readonly bytes: number;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/**
 * Writes a snapshot as an OCI image layout, its contents in `/workspace`, into a directory that is missing or empty. Owners are
 * root; times are whole seconds.
 */
export function exportOci(
  snapshot: Snapshot | string,
  store: SnapshotStore,
  directory: string,
  options: ExportOptions = {},
): Promise<OciImage> {
  return operate({ operation }, options, async (call) => {
    const repository = await openRepository(store, call);
    const chain = await ancestry(repository, snapshotId(snapshot), options.layers ?? 'one', call);
    const last = chain.at(-1);
    if (!last) throw new SandboxError('internal', 'a snapshot is its own last ancestor');
    const layout = new OciLayout(directory);
    await layout.open();
    const progress = new ProgressReporter(options.onProgress);
    const layers: (Descriptor & { readonly plain: string })[] = [];
    for (const [number, one] of chain.entries()) {
      const before = number === 0 ? undefined : chain[number - 1];
      layers.push(await layout.layer(layerTar(repository, before, one, progress, call)));
    }
    const config = await layout.json(mediaTypes.config, {
      created: new Date(last.takenAt).toISOString(),
      architecture: options.architecture ?? architectures[process.arch] ?? process.arch,
      os: 'linux',
      config: { WorkingDir: '/workspace' },
      rootfs: { type: 'layers', diff_ids: layers.map(({ plain }) => plain) },
    });
    const manifest = await layout.json(mediaTypes.manifest, {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config,
      layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
      annotations: { 'dev.gantry.snapshot': last.id, 'dev.gantry.tree': last.tree },
    });
    await layout.finish(manifest, last.id.slice(0, 12));
    const bytes = layers.reduce((sum, { size }) => sum + size, 0);
    return { digest: manifest.digest, layers: layers.length, bytes };
  });
}

/** The snapshot alone, or with its ancestors as far as they are in the store, the oldest first. */
async function ancestry(
  repository: Repository,
  id: string,
  layers: 'one' | 'chain',
  call: Call,
): Promise<readonly Snapshot[]> {
  const chain = [await repository.readSnapshot(id, call)];
  if (layers === 'one') return chain;
  while (chain[0]?.parent !== undefined) {
    try {
      chain.unshift(await repository.readSnapshot(chain[0].parent, call));
    } catch (error) {
      // Pruned: what it had is in the oldest that is left.
      if (SandboxError.is(error) && error.code === 'not-found') break;
      throw error;
    }
  }
  return chain;
}

/** A directory in the form of an OCI image layout. */
class OciLayout {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async open(): Promise<void> {
    try {
      await mkdir(path.join(this.#directory), { recursive: true });
      if ((await readdir(this.#directory)).length > 0) {
        throw new SandboxError(
          'already-exists',
          `${this.#directory} is not empty; export into a fresh directory`,
          { operation, details: { path: this.#directory } },
        );
      }
      await mkdir(path.join(this.#directory, 'blobs', 'sha256'), { recursive: true });
    } catch (error) {
      throw hostError(error, operation, this.#directory);
    }
  }

  async layer(tar: AsyncIterable<Uint8Array>): Promise<Descriptor & { readonly plain: string }> {
    const [plain, packed] = [createHash('sha256'), createHash('sha256')];
    let size = 0;
    const unfinished = path.join(this.#directory, 'blobs', 'unfinished');
    await pipeline(
      tar,
      async function* digested(source: AsyncIterable<Uint8Array>) {
        for await (const chunk of source) {
          plain.update(chunk);
          yield chunk;
        }
      },
      createGzip(),
      async function* counted(source: AsyncIterable<Uint8Array>) {
        for await (const chunk of source) {
          packed.update(chunk);
          size += chunk.length;
          yield chunk;
        }
      },
      createWriteStream(unfinished),
    );
    const hex = packed.digest('hex');
    await rename(unfinished, path.join(this.#directory, 'blobs', 'sha256', hex));
    const digest = `sha256:${hex}`;
    return { mediaType: mediaTypes.layer, digest, size, plain: `sha256:${plain.digest('hex')}` };
  }

  async json(mediaType: string, value: unknown): Promise<Descriptor> {
    const bytes = Buffer.from(JSON.stringify(value));
    const hex = createHash('sha256').update(bytes).digest('hex');
    await writeFile(path.join(this.#directory, 'blobs', 'sha256', hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  }

  async finish(manifest: Descriptor, name: string): Promise<void> {
    const annotations = { 'org.opencontainers.image.ref.name': name };
    const index = {
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [{ ...manifest, annotations }],
    };
    await writeFile(path.join(this.#directory, 'index.json'), JSON.stringify(index));
    await writeFile(path.join(this.#directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  }
}
