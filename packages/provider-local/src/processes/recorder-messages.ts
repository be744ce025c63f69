import type { Command, SandboxErrorCode, SandboxErrorOptions } from '@gantry/core/driver';

/** What a recorder is to run. `stdin` is base64; absent means no input. */
export interface RecorderRequest extends Pick<Command, 'argv' | 'cwd' | 'env'> {
  readonly stdin?: string;
}

/** Whether the process has started. */
export type RecorderAnswer =
  | { readonly pid: number | undefined; readonly error?: never }
  | {
      readonly error: { readonly code: SandboxErrorCode; readonly message: string } & Pick<
        SandboxErrorOptions,
        'outcome' | 'details'
      >;
    };
