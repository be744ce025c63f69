import { SandboxError } from '@gantry/core';
import type { EntryBase } from '@openai/agents/sandbox';

/** What the SDK gives an entry without permissions. */
const defaultMode = 0o755;

/** The permission bits of an entry, in any form that the SDK takes. Special bits are refused: a manifest cannot set them. */
export function permissionMode(permissions: EntryBase['permissions']): number {
  if (permissions === undefined) return defaultMode;
  if (typeof permissions === 'number') return plain(permissions & 0o7777);
  if (typeof permissions === 'string') return modeOfText(permissions);
  const { owner = 7, group = 5, other = 5, sticky = false } = permissions;
  return plain((sticky ? 0o1000 : 0) | (owner << 6) | (group << 3) | other);
}

/** The same as octal text. */
export function modeText(permissions: EntryBase['permissions']): string {
  return permissionMode(permissions).toString(8).padStart(4, '0');
}

function modeOfText(text: string): number {
  const bits = text.length === 10 ? text.slice(1) : text;
  if (!/^([r-][w-][x-]){3}$/.test(bits)) {
    const message = `permissions ${JSON.stringify(text)} are not in the form rwxr-xr-x`;
    throw new SandboxError('invalid-argument', message);
  }
  return bits.split('').reduce((mode, letter) => mode * 2 + (letter === '-' ? 0 : 1), 0);
}

function plain(mode: number): number {
  if (mode <= 0o777) return mode;
  throw new SandboxError(
    'unsupported',
    'entries cannot have set-user-ID, set-group-ID or sticky bits',
  );
}
