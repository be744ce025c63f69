import type { Files } from '@gantry/core';
import { ToolFailure } from './tool-failure.ts';
import type { WorkspacePlace } from './workspace-paths.ts';

/** Bytes at the start of a file by which text is told from the rest. */
const looked = 8192;

/** Refuses what is no regular file, with what to do instead. */
export function requireFile(place: WorkspacePlace): void {
  const { shown, stat } = place;
  if (!stat) throw new ToolFailure(`There is no file ${shown}. Use list_files or glob to find it.`);
  if (stat.type === 'directory') {
    throw new ToolFailure(`${shown} is a directory. Use list_files to see what is in it.`);
  }
  if (stat.type !== 'file') throw new ToolFailure(`${shown} is a ${stat.type}, not a file.`);
}

/** A whole text file. Refuses one that is too large, or that is not UTF-8 text. */
export async function readTextFile(
  files: Files,
  place: WorkspacePlace,
  mostBytes: number,
  signal: AbortSignal | undefined,
): Promise<string> {
  requireFile(place);
  const size = place.stat?.size ?? 0;
  if (size > mostBytes) {
    throw new ToolFailure(
      `${place.shown} has ${size} bytes, more than the ${mostBytes} that can be edited. Use the shell.`,
    );
  }
  const bytes = await files.readBytes(place.path, {
    length: mostBytes + 1,
    ...(signal ? { signal } : {}),
  });
  if (bytes.length > mostBytes) {
    throw new ToolFailure(`${place.shown} grew past ${mostBytes} bytes while it was read.`);
  }
  return textOf(bytes, place.shown);
}

/** Bytes as text; refuses what is not. */
function textOf(bytes: Uint8Array, shown: string): string {
  requireText(bytes, shown);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ToolFailure(notText(shown), { cause });
  }
}

/** Refuses bytes that have NUL near their start. */
export function requireText(bytes: Uint8Array, shown: string): void {
  if (bytes.subarray(0, looked).includes(0)) throw new ToolFailure(notText(shown));
}

function notText(shown: string): string {
  return `${shown} is not UTF-8 text. Use view_image for an image, or the shell for other binary files.`;
}
