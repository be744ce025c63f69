import type { OperationOptions } from './call.ts';
import type { Capabilities, SuspendMode } from './capabilities.ts';
import type { ExitStatus, Signal } from './exit-status.ts';
import type { Files } from './files.ts';
import type { NetworkPolicy, NetworkRecorder } from './network.ts';
import type {
  Endpoint,
  NativeSnapshotRef,
  ProcessSummary,
  SandboxMetrics,
  SandboxStatus,
  TerminalSize,
} from './sandbox-driver.ts';
import type { SandboxRef } from './sandbox-ref.ts';
import type { SecretResolver } from './secret-rule.ts';
import type { SnapshotStore } from './snapshot-store.ts';
import type {
  ForkOptions,
  SandboxOrigin,
  SnapshotOptions,
  TakenSnapshot,
} from './snapshot-types.ts';
import type { CollectReceipt, Manifest, MaterializeReceipt } from './manifest-types.ts';

/** Bytes that a command reads as its input. */
export type InputSource =
  | string
  | Uint8Array
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>;

/** A command: text for `/bin/sh -c`, or program and arguments that no shell touches. */
export type CommandLine = string | readonly [string, ...string[]];

/** Where and as whom a process runs. */
export interface ProcessOptions {
  /** Default `/workspace`; relative paths start there. Missing: `failed-precondition`, nothing runs. */
  readonly cwd?: string;
  /** Added to the sandbox's environment, for the whole shell line. */
  readonly env?: Readonly<Record<string, string>>;
  /** Refused with `unsupported` where the provider has no `users`. */
  readonly user?: string;
  /**
   * Program and arguments that are handed a shell line as their last argument. Default `/bin/sh -c`. Refused with
   * `invalid-argument` for a command that is no text. Policies and records see the line alone.
   */
  readonly shell?: readonly [string, ...string[]];
}

/** How `exec` runs. `timeoutMs` and `signal` kill the command as far as trait `kill` says. */
export interface ExecOptions extends ProcessOptions, OperationOptions {
  /** Default: no input. A source that fails kills the command and is the error's cause. */
  readonly stdin?: InputSource;
  /** Bytes kept of each of stdout and stderr; the rest is read, counted and dropped. Default 10 MiB. */
  readonly maxOutputBytes?: number;
}

/** How `spawn` runs. `timeoutMs` and `signal` apply for as long as the process lives. */
export interface SpawnOptions extends ProcessOptions, OperationOptions {
  /** `stream` opens `SandboxProcess.stdin`. Default `none`: end of input at once. */
  readonly stdin?: 'none' | 'stream' | Uint8Array;
  /**
   * The process goes on when this one ends or lets go of it, and `attach` finds it by its `id`. It never
   * waits for a reader: of each output a bounded part, the latest, is kept. Takes no `stdin: 'stream'`.
   * Refused with `unsupported` where the provider has no `processes` with `attach`. Default false.
   */
  readonly detached?: boolean;
}

/** What a command wrote to one of its outputs. */
export interface CapturedOutput {
  readonly bytes: Uint8Array;
  /** The bytes as UTF-8, with U+FFFD for what is not. */
  readonly text: string;
  /** Bytes written in all; more than `bytes.length` when truncated. */
  readonly totalBytes: number;
  readonly truncated: boolean;
}

/** What became of a command that ran to its end. */
export interface ExecResult {
  readonly exit: ExitStatus;
  /** True for exit code 0 and nothing else. */
  readonly ok: boolean;
  readonly stdout: CapturedOutput;
  readonly stderr: CapturedOutput;
  /** True when a process that the command left behind still held an output open, which was then let go of. */
  readonly lingering: boolean;
  readonly durationMs: number;
}

/** A process in a sandbox. Disposing kills it; one that is detached or attached to is only let go of. */
export interface SandboxProcess extends AsyncDisposable {
  readonly pid?: number;
  /** What `attach` takes, in any process of the host. Present for detached processes. */
  readonly id?: string;
  /** Present when spawned with `stdin: 'stream'`. */
  readonly stdin?: WritableStream<Uint8Array>;
  /** With back-pressure: a process whose output is not read blocks, unless it is detached. */
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /** How it ended. Rejects with `deadline-exceeded`, `cancelled`, or `unavailable` when the link is lost. */
  readonly exit: Promise<ExitStatus>;
  /**
   * For after the exit, while the outputs are being read: resolves with `ended` when they have ended, and with `lingering` where
   * a process that was left behind holds one open and nothing has come of it for half a second, as `exec` has it (a minute where
   * the provider itself ends outputs with their command). Then let go of them. An output that fails tells its reader.
   */
  drained(): Promise<'ended' | 'lingering'>;
  /** Sends a signal, `SIGTERM` by default. */
  kill(signal?: Signal): Promise<void>;
}

/** An interactive terminal. Disposing kills what runs in it. */
export interface Terminal extends AsyncDisposable {
  readonly input: WritableStream<Uint8Array>;
  /** Ends with the terminal's program: half a second of silence after its exit at the latest, whatever that left behind. */
  readonly output: ReadableStream<Uint8Array>;
  readonly exit: Promise<ExitStatus>;
  resize(size: TerminalSize): Promise<void>;
  kill(signal?: Signal): Promise<void>;
}

/** How a terminal opens. */
export interface TerminalOptions extends ProcessOptions, OperationOptions {
  /** Default: `/bin/sh`. */
  readonly command?: CommandLine;
  /** Default 80 columns, 24 rows. */
  readonly size?: TerminalSize;
}

/** What code that a model drives is given: commands and files, and no way to the provider. */
export interface RestrictedSandbox {
  exec(command: CommandLine, options?: ExecOptions): Promise<ExecResult>;
  spawn(command: CommandLine, options?: SpawnOptions): Promise<SandboxProcess>;
  readonly files: Files;
}

/**
 * One live isolated environment. Every method always exists; what the provider does not declare
 * throws `unsupported` before anything happens. Disposing destroys a sandbox that this object
 * created or forked, and releases one that it connected to.
 */
export interface Sandbox extends RestrictedSandbox, AsyncDisposable {
  /** For `provider.connect` in any process. */
  readonly ref: SandboxRef;
  readonly capabilities: Capabilities;
  /** How this object came to its sandbox, and what was lost on the way. */
  readonly origin: SandboxOrigin;
  inspect(options?: OperationOptions): Promise<SandboxStatus>;
  /** Puts a manifest's contents into the workspace; what must be fixed at create is refused here. */
  apply(manifest: Manifest, options?: ApplyOptions): Promise<MaterializeReceipt>;
  /** What `create` or `apply` put into the workspace. Absent where this object did neither. */
  readonly receipt?: MaterializeReceipt;
  /** Fetches the manifest's outputs into a directory of the host. */
  collect(destination: string, options?: CollectOptions): Promise<CollectReceipt>;
  processes(options?: OperationOptions): Promise<readonly ProcessSummary[]>;
  /** A process started earlier, from any process of the host, with its output from an offset on. */
  attach(id: string, options?: AttachOptions): Promise<SandboxProcess>;
  terminal(options?: TerminalOptions): Promise<Terminal>;
  expose(port: number, options?: OperationOptions): Promise<Endpoint>;
  setNetwork(policy: NetworkPolicy, options?: OperationOptions): Promise<void>;
  /**
   * From now on the recorder is told everything that the sandbox tries to reach, beginning with the latest that nobody has
   * recorded yet. While it fails or falls far behind, nothing gets out.
   */
  recordNetwork(recorder: NetworkRecorder): void;
  suspend(mode?: SuspendMode, options?: OperationOptions): Promise<void>;
  /**
   * Puts the workspace's contents into a store, immutable and the same on every provider. Bytes are never altered. A crash at
   * any moment leaves the store as it was, or with the whole snapshot.
   */
  snapshot(store: SnapshotStore, options?: SnapshotOptions): Promise<TakenSnapshot>;
  nativeSnapshot(
    scope: NativeSnapshotRef['scope'],
    options?: OperationOptions,
  ): Promise<NativeSnapshotRef>;
  /**
   * Clones, by the fastest way that the provider has: its own fork, its own snapshot, else a snapshot in `options.store`. One
   * settled result each, in order; `origin.by` says which way. The caller disposes them.
   */
  fork(count: number, options?: ForkOptions): Promise<readonly PromiseSettledResult<Sandbox>[]>;
  metrics(options?: OperationOptions): Promise<SandboxMetrics>;
  /** Moves the time at which the sandbox ends by itself; returns the time that holds. */
  extendLifetime(expiresAt: number, options?: OperationOptions): Promise<number>;
  /** Lets go of local resources; the sandbox lives on. Idempotent. */
  release(): Promise<void>;
  /** Ends the sandbox and frees what it held. Idempotent. */
  destroy(options?: OperationOptions): Promise<void>;
  /** A new object that has `exec`, `spawn` and `files` and nothing else. */
  restricted(options?: RestrictedOptions): RestrictedSandbox;
}

/** How a restricted sandbox acts. */
export interface RestrictedOptions {
  /** Commands and files are this user's, with its rights. Refused with `unsupported` where the provider has no `users`. */
  readonly user?: string;
}

/**
 * How many bytes of each output to leave out, default 0. Bytes that are no longer kept are refused with
 * `out-of-range`, and `details.firstOffset` says from where on they are; an offset that is not yet
 * reached is waited for.
 */
export interface AttachOptions extends OperationOptions {
  readonly stdoutOffset?: number;
  readonly stderrOffset?: number;
}

/** How a manifest's sources are found. */
export interface ApplyOptions extends OperationOptions {
  /** Directory that relative local sources start from. Default: the process's working directory. */
  readonly baseDirectory?: string;
  /** Resolves secret references other than `env:` and `file:`. */
  readonly secrets?: SecretResolver;
}

/** What to fetch, and within which limits. */
export interface CollectOptions extends OperationOptions {
  /** Workspace-relative paths. Default: the outputs of the manifest that this object applied. */
  readonly outputs?: readonly string[];
  /** Bytes in all, default 1 GiB. More is refused with `resource-exhausted`. */
  readonly maxBytes?: number;
  /** Entries in all, default 100,000. */
  readonly maxEntries?: number;
}
