import { execFileSync } from 'node:child_process';
import { Readable } from 'node:stream';
import type { NativeSnapshotRef, Provider } from '@gantry/core';
import { docker } from '@gantry/provider-docker';
import {
  apiExec,
  image,
  plainCommit,
  rawContainer,
  removeImage,
  socketPath,
} from './docker-baseline.ts';

/** Times one thing by its name. */
type Measure = (name: string, work: () => Promise<unknown>) => Promise<void>;

/** The rows that are measured, by name. */
export const commitRows = {
  exec: 'docker: one API exec of true',
  plain: 'docker: plain commit after 1 % changed',
  own: 'docker: native snapshot after 1 % changed',
} as const;

const root = { manifest: { spec: 'gantry-manifest/1', root: 'copy-on-write' } } as const;

/**
 * After a change of 1 % of the files of a tree that is in the image: a native snapshot of a sandbox with a root that is copied on
 * write, beside a plain `docker commit` of a container of the same image, and one exec of `true` by the daemon's API.
 */
export async function dockerCommits(tree: string, rounds: number, measure: Measure): Promise<void> {
  const provider = docker({ host: `unix://${socketPath}`, image });
  const tar = execFileSync('tar', ['-C', tree, '-cf', '-', '.'], { maxBuffer: 2 ** 30 });
  const plainBase = await plainWith(tar);
  const ownBase = await ownWith(provider, tar);
  const plain = await rawContainer(plainBase);
  const sandbox = await provider.createFrom(ownBase, root);
  try {
    const change = (round: number): string =>
      `cd /workspace && for part in group-*/part-*; do echo ${round} >> $part/file-7.ts; done`;
    for (let round = 0; round < rounds; round += 1) {
      await apiExec(plain, ['sh', '-c', change(round)]);
      const { ok, stderr } = await sandbox.exec(change(round));
      if (!ok) throw new Error(stderr.text);
      await measure(commitRows.exec, () => apiExec(plain, ['true']));
      const plainImages: string[] = [];
      await measure(commitRows.plain, async () => plainImages.push(await plainCommit(plain)));
      const taken: NativeSnapshotRef[] = [];
      const take = async (): Promise<unknown> =>
        taken.push(await sandbox.nativeSnapshot('filesystem'));
      await measure(commitRows.own, take);
      for (const id of plainImages) await removeImage(id);
      for (const snapshot of taken) await provider.removeNativeSnapshot(snapshot);
    }
  } finally {
    await sandbox.destroy();
    await plain.remove({ force: true });
    await provider.removeNativeSnapshot(ownBase);
    await removeImage(plainBase);
  }
}

/** An image with the tree, by plain means. */
async function plainWith(tar: Buffer): Promise<string> {
  const container = await rawContainer();
  try {
    await apiExec(container, ['mkdir', '/workspace']);
    await container.putArchive(Readable.from([tar]), { path: '/workspace' });
    return await plainCommit(container);
  } finally {
    await container.remove({ force: true });
  }
}

/** A native snapshot of a sandbox with the tree. */
async function ownWith(provider: Provider, tar: Buffer): Promise<NativeSnapshotRef> {
  await using sandbox = await provider.create(root);
  const { ok, stderr } = await sandbox.exec(['tar', '-xf', '-'], { stdin: tar });
  if (!ok) throw new Error(stderr.text);
  return await sandbox.nativeSnapshot('filesystem');
}
