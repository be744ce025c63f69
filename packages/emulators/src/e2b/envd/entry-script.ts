import type { Sandbox } from '@gantry/core';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  describeDirectory as describeAll,
  describeEntry as describeOne,
  GuestEntryError,
  type GuestEntry,
} from '../../chassis/guest-entries.ts';

const codes = {
  missing: Code.NotFound,
  'not-directory': Code.InvalidArgument,
  cycle: Code.FailedPrecondition,
  changing: Code.Internal,
} as const;

/** Describes the entry at a path. Throws the vendor's `not_found`. */
export function describeEntry(sandbox: Sandbox, path: string): Promise<GuestEntry> {
  return inVendorsWords(() => describeOne(sandbox, path));
}

/** Describes what is in a directory, down to that depth, by path. */
export function describeDirectory(
  sandbox: Sandbox,
  path: string,
  depth: number,
): Promise<readonly GuestEntry[]> {
  return inVendorsWords(() => describeAll(sandbox, path, depth));
}

async function inVendorsWords<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GuestEntryError)
      throw new ConnectError(error.message, codes[error.reason]);
    throw error;
  }
}
