import path from 'node:path';
import { type FileStat, type Files, SandboxError } from '@gantry/core';
import { ToolFailure } from './tool-failure.ts';

/** Where a workspace is in every sandbox. */
export const workspaceRoot = '/workspace';

const mostLinks = 40;

/** A path of the workspace, links resolved. */
export interface WorkspacePlace {
  /** Absolute. */
  readonly path: string;
  /** For people and models: relative to the workspace. */
  readonly shown: string;
  /** What is there; undefined where there is nothing. */
  readonly stat: FileStat | undefined;
}

/**
 * Keeps the paths of a model in the workspace: text that leads out is refused, and so is a path through a symbolic link
 * that does. A leash and no wall: what a guest changes meanwhile is the sandbox's to contain.
 */
export class WorkspacePaths {
  readonly #files: Files;
  readonly #workingDirectory: string;

  /** Relative paths start at the working directory, an absolute path in the workspace. */
  constructor(files: Files, workingDirectory: string) {
    this.#files = files;
    this.#workingDirectory = workingDirectory;
  }

  /** The absolute path that a text means, without a look at the sandbox. */
  absolute(given: string): string {
    if (given.includes('\0')) throw new ToolFailure('A path must not contain NUL.');
    const place = path.posix.resolve(this.#workingDirectory, given);
    if (isInside(place)) return place;
    throw new ToolFailure(
      `${JSON.stringify(given)} is outside of the workspace; use a path below ${workspaceRoot}.`,
    );
  }

  /** Looks a path up. With `entry` a link in the last place is not followed: what is to be removed or moved is the link. */
  async find(
    given: string,
    signal: AbortSignal | undefined,
    what: 'contents' | 'entry' = 'contents',
  ): Promise<WorkspacePlace> {
    let place = this.absolute(given);
    for (let links = 0; links <= mostLinks; links++) {
      const prefixes = prefixesOf(place);
      const stats = await Promise.all(prefixes.map((each) => this.#stat(each, signal)));
      const followed = what === 'contents' ? stats : stats.slice(0, -1);
      const link = followed.findIndex((stat) => stat?.type === 'symlink');
      const at = prefixes[link];
      const target = stats[link]?.target;
      if (at === undefined || target === undefined) {
        return { path: place, shown: shownPath(place), stat: stats.at(-1) };
      }
      const to = Buffer.from(target).toString();
      place = path.posix.resolve(path.posix.dirname(at), to, place.slice(at.length + 1));
      if (!isInside(place)) {
        throw new ToolFailure(
          `${JSON.stringify(given)} leads out of the workspace: ${shownPath(at)} is a symbolic link to ${to}.`,
        );
      }
    }
    throw new ToolFailure(`${JSON.stringify(given)} goes through more than ${mostLinks} links.`);
  }

  async #stat(place: string, signal: AbortSignal | undefined): Promise<FileStat | undefined> {
    try {
      return await this.#files.stat(place, signal ? { signal } : {});
    } catch (error) {
      const absent =
        SandboxError.is(error) && error.code === 'not-found' && 'path' in error.details;
      if (absent) return undefined;
      throw error;
    }
  }
}

/** A path as it is shown: relative to the workspace. */
function shownPath(place: string): string {
  return place === workspaceRoot ? '.' : place.slice(workspaceRoot.length + 1);
}

function isInside(place: string): boolean {
  return place === workspaceRoot || place.startsWith(`${workspaceRoot}/`);
}

/** The path and each directory between it and the workspace, the outermost first. */
function prefixesOf(place: string): readonly string[] {
  if (place === workspaceRoot) return [place];
  const segments = shownPath(place).split('/');
  return segments.map((_, index) => `${workspaceRoot}/${segments.slice(0, index + 1).join('/')}`);
}
