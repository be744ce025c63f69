import { type RestrictedSandbox, SandboxError } from '@gantry/core';
import { workspaceRoot } from '../toolset/workspace-paths.ts';

/** One file of instructions that was found in a workspace. */
export interface AgentsFile {
  /** Relative to the workspace. */
  readonly path: string;
  readonly text: string;
}

const fileName = 'AGENTS.md';

/**
 * The `AGENTS.md` files from the workspace's root down to a directory in it, the nearest last. Together they take so many bytes
 * at most: where there are more, those further away give way first, and it is said.
 */
export async function findAgentsFiles(
  sandbox: RestrictedSandbox,
  directory: string,
  mostBytes: number,
): Promise<readonly AgentsFile[]> {
  const steps = directory.slice(workspaceRoot.length).split('/').filter(Boolean);
  const places = [...steps.keys(), steps.length].map((count) =>
    [...steps.slice(0, count), fileName].join('/'),
  );
  const found = await Promise.all(places.map((path) => readStart(sandbox, path, mostBytes)));
  let left = mostBytes;
  const kept = found
    .flatMap((text, index) => (text === undefined ? [] : [{ path: places[index] ?? '', text }]))
    .toReversed()
    .map(({ path, text }) => {
      const bytes = Buffer.from(text);
      const room = Math.min(left, bytes.length);
      left -= room;
      if (room === bytes.length) return { path, text };
      const start = bytes
        .subarray(0, room)
        .toString()
        .replace(/\uFFFD+$/, '');
      return {
        path,
        text: `${start}\n[cut: the files of instructions have more than ${mostBytes} bytes]`,
      };
    });
  return kept.toReversed();
}

/** The start of a regular file; undefined where there is none. A link is not followed: it is the guest's to plant. */
async function readStart(
  { files }: RestrictedSandbox,
  path: string,
  mostBytes: number,
): Promise<string | undefined> {
  try {
    const { type } = await files.stat(path);
    if (type !== 'file') return undefined;
    return Buffer.from(await files.readBytes(path, { length: mostBytes + 1 })).toString();
  } catch (error) {
    if (SandboxError.is(error) && error.code === 'not-found' && 'path' in error.details)
      return undefined;
    throw error;
  }
}
