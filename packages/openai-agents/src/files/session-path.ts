import path from 'node:path';
import { SandboxError } from '@gantry/core';
import type { Manifest } from '@openai/agents/sandbox';

/** Where the workspace is in every sandbox. */
export const workspaceRoot = '/workspace';

/**
 * The absolute path that a tool of the SDK means: in the workspace, or below a path grant of the manifest. A leash as the SDK has it,
 * and no wall: the wall is the sandbox.
 */
export function sessionPath(manifest: Pick<Manifest, 'extraPathGrants'>, given: string): string {
  const absolute = path.posix.resolve(workspaceRoot, given.trim());
  const allowed = [workspaceRoot, ...manifest.extraPathGrants.map((grant) => grant.path)];
  if (allowed.some((directory) => isBelow(directory, absolute))) return absolute;
  throw new SandboxError(
    'permission-denied',
    `${JSON.stringify(given)} escapes the workspace; use a path below ${workspaceRoot}`,
  );
}

/** The path below the workspace, or the absolute one where it is outside. */
export function logicalPath(absolute: string): string {
  if (absolute === workspaceRoot) return '';
  return isBelow(workspaceRoot, absolute) ? absolute.slice(workspaceRoot.length + 1) : absolute;
}

function isBelow(directory: string, file: string): boolean {
  return directory === '/' || file === directory || file.startsWith(`${directory}/`);
}
