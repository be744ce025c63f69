import { dirname, resolve } from 'node:path';
import type { Manifest } from '@gantry/core';

/** A manifest and the directory that its relative sources start from. */
export interface ManifestFile {
  readonly manifest: Manifest;
  readonly baseDirectory: string;
}

/** Reads and checks a manifest file. What is wrong with it is named with file, line and column. */
export async function readManifest(file: string): Promise<ManifestFile> {
  const { loadManifest } = await import('@gantry/core/manifest');
  return { manifest: await loadManifest(file), baseDirectory: dirname(resolve(file)) };
}
