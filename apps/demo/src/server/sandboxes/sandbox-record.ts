import type { SandboxOrigin, SandboxRef, SandboxStatus } from '@gantry/core';
import type { MaterializeReceipt } from '@gantry/core/manifest';

/** What is remembered of one sandbox. */
export interface SandboxRecord {
  readonly id: string;
  readonly ref: SandboxRef;
  readonly emulated: boolean;
  readonly name: string;
  readonly createdAt: number;
  readonly manifest?: string;
  readonly ports: readonly number[];
  readonly origin: SandboxOrigin;
  readonly receipt?: MaterializeReceipt;
  /** The snapshot that its workspace was last equal to. */
  snapshot?: string;
  state: SandboxStatus['state'];
  expiresAt?: number;
}

/** What names a sandbox in paths of the API: unique over all providers. */
export function sandboxId(ref: SandboxRef): string {
  return `${ref.provider}.${ref.id}`;
}
