import type {
  Capabilities,
  ExitStatus,
  FileType,
  ProcessSummary,
  SandboxMetrics,
  SandboxOrigin,
  SandboxRef,
  SandboxStatus,
} from '@gantry/core';
import type { MaterializeReceipt } from '@gantry/core/manifest';
import { z } from 'zod';

/** One sandbox, as `GET /api/sandboxes` lists it and events tell it. */
export interface SandboxView {
  /** Names it in the paths of this API; unlike the ref's id it is unique over all providers. */
  readonly id: string;
  readonly ref: SandboxRef;
  readonly provider: string;
  readonly emulated: boolean;
  readonly name: string;
  readonly state: SandboxStatus['state'];
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  readonly expiresAt?: number;
  /** The snapshot that its workspace was last equal to: of which it was made, or which was taken of it. */
  readonly snapshot?: string;
}

/** `GET /api/sandboxes/:id`. */
export interface SandboxDetails extends SandboxView {
  readonly capabilities: Capabilities;
  readonly origin?: SandboxOrigin;
  readonly receipt?: MaterializeReceipt;
  /** The manifest's text it was made from, where it was made by one. */
  readonly manifest?: string;
  /** Declared ports of its manifest. */
  readonly ports: readonly number[];
}

/** `POST /api/sandboxes`. Answers `OperationAnswer` at once; progress events tell the rest. */
export interface CreateRequest {
  readonly provider: string;
  /** YAML or JSON. Absent: an empty workspace. */
  readonly manifest?: string | undefined;
  readonly name?: string | undefined;
}

export const createRequest: z.ZodType<CreateRequest> = z.strictObject({
  provider: z.string(),
  manifest: z
    .string()
    .max(8 << 20)
    .optional(),
  name: z.string().min(1).max(80).optional(),
});

/** The answer to a request that takes a while: the `operation` of its progress events. */
export interface OperationAnswer {
  readonly operation: string;
}

/** `POST /api/sandboxes/:id/exec`: a shell line. */
export interface ExecRequest {
  readonly command: string;
  /** Milliseconds. Default 60,000. */
  readonly timeoutMs?: number | undefined;
}

export const execRequest: z.ZodType<ExecRequest> = z.strictObject({
  command: z.string().min(1).max(100_000),
  timeoutMs: z.number().int().min(1).max(600_000).optional(),
});

export interface ExecAnswer {
  readonly exit: ExitStatus;
  readonly ok: boolean;
  /** As text, the last MiB at the most. */
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
  readonly durationMs: number;
}

/** One entry of `GET /api/sandboxes/:id/files?path=&list=1`. */
export interface FileView {
  readonly name: string;
  readonly type: FileType;
  /** Octal text such as `0644`. */
  readonly mode: string;
  readonly size: number;
  readonly modifiedMs: number;
  /** Of a symbolic link. */
  readonly target?: string;
}

export interface DirectoryAnswer {
  readonly path: string;
  readonly entries: readonly FileView[];
}

/** `POST /api/sandboxes/:id/files/move`. A directory is made by `PUT …/files?path=…&directory=1`. */
export interface MoveRequest {
  readonly from: string;
  readonly to: string;
}

export const moveRequest: z.ZodType<MoveRequest> = z.strictObject({
  from: z.string().min(1),
  to: z.string().min(1),
});

export interface ProcessesAnswer {
  readonly processes: readonly ProcessSummary[];
}

/** `GET /api/sandboxes/:id/metrics`: milliseconds since the Unix epoch, and what is used then. */
export interface MetricsAnswer {
  readonly at: number;
  readonly now: SandboxMetrics;
}

/** `POST /api/sandboxes/:id/ports`. */
export interface ExposeRequest {
  readonly port: number;
}

export const exposeRequest: z.ZodType<ExposeRequest> = z.strictObject({
  port: z.number().int().min(1).max(65_535),
});

export interface ExposeAnswer {
  readonly port: number;
  /** An address of this machine that leads to the port, for a link or a frame. It needs no header: the server adds the vendor's. */
  readonly url: string;
}

/** JSON text messages of a terminal's WebSocket, beside the bytes. From the client: `resize`. To it: `exit`, or `error`. */
export type TerminalMessage =
  | { readonly resize: { readonly columns: number; readonly rows: number } }
  | { readonly exit: ExitStatus }
  | { readonly error: { readonly code: string; readonly message: string } };
