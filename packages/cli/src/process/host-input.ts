import { fstatSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import type { Sandbox } from '@gantry/core';
import { CliError } from '../errors/cli-error.ts';

/** How gantry's own input reaches a command: piece by piece, all at the start, or not at all. */
export type HostInput = 'stream' | 'none' | Uint8Array;

/** Decides by what the provider can do, and refuses input that it would have to drop. */
export async function hostInput(sandbox: Sandbox, wanted: boolean): Promise<HostInput> {
  const trait = sandbox.capabilities.traits.stdin;
  if (!wanted) return 'none';
  if (trait === 'stream') return 'stream';
  if (!carriesData()) return 'none';
  if (trait === 'upfront') return buffer(process.stdin);
  throw new CliError(`provider ${sandbox.ref.provider} cannot give a command any input`, {
    code: 'unsupported',
    hint: 'Leave the input out with --no-stdin, or redirect it from /dev/null.',
  });
}

/** True for a pipe, file or socket; a terminal or `/dev/null` may have nothing to say. */
function carriesData(): boolean {
  const stat = fstatSync(0);
  return stat.isFIFO() || stat.isFile() || stat.isSocket();
}
