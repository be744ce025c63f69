import type { SandboxPath } from '../contract/file-types.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { concatBytes } from '../process/byte-source.ts';
import { type Session, workspacePath } from '../provider/session.ts';

const encoder = new TextEncoder();
const slash = 0x2f;

/**
 * The absolute path, in bytes, by which commands in the sandbox know a path that a caller gave:
 * relative ones start at the workspace; `.` and doubled slashes are gone, `..` is the guest's to
 * resolve. Throws `invalid-argument` for an empty path or one with NUL.
 */
export function insidePathBytes(
  session: Session,
  operation: string,
  path: SandboxPath,
): Uint8Array {
  const bytes = typeof path === 'string' ? encoder.encode(path) : path;
  if (bytes.length === 0 || bytes.includes(0)) {
    const what = bytes.length === 0 ? 'is empty' : 'contains NUL';
    throw new SandboxError('invalid-argument', `${operation}: the path ${what}`, { operation });
  }
  const workspace = encoder.encode(`${workspacePath}/`);
  const absolute = bytes[0] === slash ? bytes : concatBytes([workspace, bytes]);
  const tidy = tidyPath(absolute);
  if (session.workspace === workspacePath) return tidy;
  const inWorkspace = startsWithPath(tidy, encoder.encode(workspacePath));
  if (!inWorkspace) return tidy;
  return concatBytes([encoder.encode(session.workspace), tidy.subarray(workspacePath.length)]);
}

/** True when two inside paths are the same text, or the first is a parent of the second. */
export function startsWithPath(path: Uint8Array, parent: Uint8Array): boolean {
  if (path.length < parent.length || !parent.every((byte, index) => path[index] === byte))
    return false;
  return path.length === parent.length || path[parent.length] === slash;
}

/** A path as scripts take it: text as it is where it is text, octal escapes where it is not. */
export function scriptPath(path: Uint8Array): string {
  try {
    return `r${new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(path)}`;
  } catch {
    // Not UTF-8: the decoder's only complaint.
    return `e${Array.from(path, (byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('')}`;
  }
}

/** A path for people: control characters and what is not UTF-8 as `\xNN`. */
export function printablePath(path: SandboxPath): string {
  if (typeof path === 'string') return path;
  return Array.from(new TextDecoder().decode(path), (character) =>
    character === '\uFFFD' ? '\\x??' : character,
  ).join('');
}

function tidyPath(path: Uint8Array): Uint8Array {
  const segments: Uint8Array[] = [];
  let start = 0;
  for (let index = 0; index <= path.length; index++) {
    if (index < path.length && path[index] !== slash) continue;
    const segment = path.subarray(start, index);
    start = index + 1;
    const isDot = segment.length === 1 && segment[0] === 0x2e;
    if (segment.length > 0 && !isDot) segments.push(segment);
  }
  if (segments.length === 0) return new Uint8Array([slash]);
  return concatBytes(segments.flatMap((segment) => [new Uint8Array([slash]), segment]));
}
