import type { Call } from './call.ts';
import type { CapabilityLimits, CapabilityOverrides, SuspendMode } from './capabilities.ts';
import type { Command, DriverProcess } from './command.ts';
import type { CreateRequest } from './create-request.ts';
import type { FileTransfer } from './file-transfer.ts';
import type { FileStat, WatchEvent } from './file-types.ts';
import type { Interceptable } from './interception.ts';
import type { NetworkPolicy, NetworkRecorder } from './network.ts';
import type { SandboxRef } from './sandbox-ref.ts';
import type { Traits } from './traits.ts';

/** What a driver knows of a live sandbox. Drivers extend it by what they need. */
export interface DriverHandle {
  readonly ref: SandboxRef;
  /** What this sandbox can do less than the driver declares. */
  readonly narrowed?: CapabilityOverrides;
  /** Where commands find the workspace. `/workspace` everywhere but with `isolation: 'none'`. */
  readonly workspace?: string;
}

/** Where a sandbox is in its life. */
export interface SandboxStatus {
  readonly state: 'running' | 'suspended' | 'stopped' | 'gone';
  /** Milliseconds since the Unix epoch at which the provider ends it by itself. */
  readonly expiresAt?: number;
}

/** One sandbox in an inventory. */
export interface SandboxSummary extends SandboxStatus {
  readonly ref: SandboxRef;
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
}

/** One control or prerequisite, as `gantry doctor` shows it. */
export interface Finding {
  /** What was looked at, in a few words: `user namespaces`. */
  readonly control: string;
  readonly ok: boolean;
  /** What was found, and where it is not ok what to do. */
  readonly message: string;
}

/** One process that runs in a sandbox. */
export interface ProcessSummary {
  /** Names the process for `attach`, from any process of the host. */
  readonly id: string;
  readonly pid?: number;
  readonly command: string;
}

/** Where to reach a port of a sandbox, and what to send along. */
export interface Endpoint {
  readonly url: string;
  /** Headers that each request must carry. They may hold a token: treat them as a secret. */
  readonly headers: Readonly<Record<string, string>>;
}

/** An open pseudo-terminal, as a driver hands it to core. */
export interface DriverTerminal {
  readonly input: WritableStream<Uint8Array>;
  /** Standard output and error as one, as terminals have it. */
  readonly output: ReadableStream<Uint8Array>;
  readonly exit: DriverProcess['exit'];
  resize?(size: TerminalSize): Promise<void>;
  kill: DriverProcess['kill'];
}

/** A terminal's size in character cells. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Names a native snapshot. Like a ref, it holds no credential. */
export interface NativeSnapshotRef {
  readonly spec: 'gantry-native-snapshot/1';
  readonly provider: string;
  readonly id: string;
  readonly scope: 'workspace' | 'filesystem' | 'filesystem+memory';
}

/** What a sandbox uses now. A figure that the provider does not know is absent. */
export interface SandboxMetrics {
  readonly cpuSeconds?: number;
  readonly memoryBytes?: number;
  readonly diskBytes?: number;
  readonly pids?: number;
}

/** One path that differs from a mark, or that may differ. */
export interface ChangeEntry {
  /** Relative to `/workspace`. */
  readonly path: Uint8Array;
  /** Absent: the path was removed. */
  readonly stat?: FileStat;
  /** Equal for two names of one file and different for two files. Present for files with more than one name. */
  readonly identity?: string;
  /** Reads a file on the host: at once, good until another is opened, or as a stream whose pieces are good until the next. */
  readonly open?: () => Uint8Array | ReadableStream<Uint8Array>;
}

/** The optional operations of a driver. Present means supported; each carries its limits. */
export interface DriverCapabilities<Handle> {
  /** Native byte streams. Without it core derives files from `spawn` (POSIX sh, coreutils or busybox). */
  readonly files?: CapabilityLimits['files'] & {
    /** Rejects with `not-found` only for a confirmed absence. */
    read(
      handle: Handle,
      path: string,
      range: { readonly offset: number; readonly length?: number },
      call: Call,
    ): Promise<ReadableStream<Uint8Array>>;
    /** Replaces the file at once or not at all; makes missing parents. */
    write(
      handle: Handle,
      path: string,
      contents: ReadableStream<Uint8Array>,
      options: { readonly mode?: number },
      call: Call,
    ): Promise<void>;
  };
  /** Tar in, tar out, in one call each. Without it core derives both from `spawn`. */
  readonly archive?: CapabilityLimits['archive'] & {
    /** Unpacks below `directory`, which exists, keeping modes and links; owners are the sandbox's user. */
    put(
      handle: Handle,
      directory: string,
      tar: ReadableStream<Uint8Array>,
      call: Call,
    ): Promise<void>;
    /** Packs a file or directory. Names in the tar start with the last component of `path`. */
    get(handle: Handle, path: string, call: Call): Promise<ReadableStream<Uint8Array>>;
  };
  /** What changed since a mark, read by the host. */
  readonly changes?: CapabilityLimits['changes'] & {
    /** Remembers how the workspace is now. The mark is good for as long as the sandbox lives. */
    mark(handle: Handle, call: Call): Promise<string>;
    /** At the least all that differs; a directory comes before what is in it. */
    since(handle: Handle, mark: string, call: Call): AsyncIterable<ChangeEntry>;
    /** The same, and at its end a new mark for what was there while it looked: one look in place of two. */
    advance?(handle: Handle, mark: string, call: Call): AsyncGenerator<ChangeEntry, string, void>;
    /** Everything that is there, each entry as it was when it was told, and at its end a mark for it. */
    all?(handle: Handle, call: Call): AsyncGenerator<ChangeEntry, string, void>;
  };
  /** Every sandbox of this provider that carries all of `labels`, all pages, others' left out. */
  readonly inventory?: CapabilityLimits['inventory'] & {
    list(labels: Readonly<Record<string, string>>, call: Call): AsyncIterable<SandboxSummary>;
  };
  readonly processes?: CapabilityLimits['processes'] & {
    list(handle: Handle, call: Call): Promise<readonly ProcessSummary[]>;
    /** Present exactly when `attach` is true. Out of `from`: `out-of-range`. Disposing does not kill it. */
    attachTo?(
      handle: Handle,
      id: string,
      from: { readonly stdoutOffset: number; readonly stderrOffset: number },
      call: Call,
    ): Promise<DriverProcess>;
  };
  readonly terminal?: CapabilityLimits['terminal'] & {
    open(
      handle: Handle,
      command: Omit<Command, 'stdin'>,
      size: TerminalSize,
      call: Call,
    ): Promise<DriverTerminal>;
  };
  readonly ports?: CapabilityLimits['ports'] & {
    expose(handle: Handle, port: number, call: Call): Promise<Endpoint>;
  };
  readonly suspend?: CapabilityLimits['suspend'] & {
    suspend(handle: Handle, mode: SuspendMode, call: Call): Promise<void>;
    resume(ref: SandboxRef, call: Call): Promise<Handle>;
  };
  readonly nativeSnapshot?: CapabilityLimits['nativeSnapshot'] & {
    take(handle: Handle, scope: NativeSnapshotRef['scope'], call: Call): Promise<NativeSnapshotRef>;
    /** One that is not there: `not-found`, with `details.reason` `gone`, or `expired` where the provider knows. */
    create(snapshot: NativeSnapshotRef, request: CreateRequest, call: Call): Promise<Handle>;
    /** Idempotent. What was made of it lives on. */
    remove(snapshot: NativeSnapshotRef, call: Call): Promise<void>;
  };
  readonly fork?: CapabilityLimits['fork'] & {
    /**
     * One settled result per request, in order. Each clone has the source's files, environment, root, limits and user, and
     * its own id, labels and lifetime from its request; it shares no later write with any other. Processes do not live on.
     */
    fork(
      handle: Handle,
      requests: readonly CreateRequest[],
      call: Call,
    ): Promise<readonly PromiseSettledResult<Handle>[]>;
  };
  readonly network?: CapabilityLimits['network'] &
    Interceptable<Handle> & {
      /** Present exactly when `live` is true. */
      set?(handle: Handle, policy: NetworkPolicy, call: Call): Promise<void>;
      /** Present exactly when `recorded` is true. What was not taken before comes first. One recorder at a time. */
      record?(handle: Handle, recorder: NetworkRecorder): void;
    };
  /** Carried out by `create`. */
  readonly secrets?: CapabilityLimits['secrets'];
  /** Carried out by `create`. */
  readonly mounts?: CapabilityLimits['mounts'];
  readonly watch?: CapabilityLimits['watch'] & {
    watch(
      handle: Handle,
      directory: string,
      options: { readonly recursive: boolean },
      call: Call,
    ): AsyncIterable<WatchEvent>;
  };
  /** Carried out by `create` and `spawn`. */
  readonly users?: CapabilityLimits['users'];
  /** Carried out by `create`. */
  readonly resources?: CapabilityLimits['resources'];
  readonly metrics?: CapabilityLimits['metrics'] & {
    read(handle: Handle, call: Call): Promise<SandboxMetrics>;
  };
  readonly lifetime?: CapabilityLimits['lifetime'] & {
    /** Sets the sandbox to end by itself at that time; returns the time that holds. */
    extend(handle: Handle, expiresAt: number, call: Call): Promise<number>;
  };
  /** Carried out by `create`. */
  readonly root?: CapabilityLimits['root'];
  /** Carried out by `create`. */
  readonly privilege?: CapabilityLimits['privilege'];
  /** Carried out by `create`. */
  readonly images?: CapabilityLimits['images'];
}

/** What the author of a provider writes; `defineProvider` makes the rest of it. Normative: docs/spec.md, part "Driver". */
export interface SandboxDriver<
  Handle extends DriverHandle = DriverHandle,
> extends DriverCapabilities<Handle> {
  readonly spec: 'gantry-driver/1';
  /** The provider's id: `[a-z][a-z0-9-]*`. */
  readonly id: string;
  readonly traits: Traits;
  /** Most bytes of input, known whole at the start, that `spawn` gets as bytes: where a stream costs further calls. Default 0. */
  readonly inlineInputBytes?: number;
  /** For files and archives that are too long for inline input. */
  readonly transfer?: FileTransfer<Handle>;
  /** What this host, image or account takes away. Rejects with `failed-precondition` when nothing can run here. */
  probe?(call: Call): Promise<CapabilityOverrides>;
  /** What `probe` looks at, one by one. Never rejects because something is missing. */
  diagnose?(call: Call): Promise<readonly Finding[]>;
  /** A new sandbox, running. On rejection nothing of it is left. */
  create(request: CreateRequest, call: Call): Promise<Handle>;
  /** Never wakes or changes the sandbox. A sandbox that was never there is `gone`. */
  inspect(ref: SandboxRef, call: Call): Promise<SandboxStatus>;
  /** A running sandbox, from any process; else `failed-precondition` or `not-found`. */
  connect(ref: SandboxRef, call: Call): Promise<Handle>;
  /** Resolves once the process has started. A program that is not there exits with 127, one that cannot be run with 126. */
  spawn(handle: Handle, command: Command, call: Call): Promise<DriverProcess>;
  /** Frees local resources (sockets, lanes) and nothing else. Idempotent. */
  release(handle: Handle): Promise<void>;
  /** Idempotent; needs no handle; never wakes the sandbox first. Resolves when it is gone. */
  destroy(ref: SandboxRef, call: Call): Promise<void>;
}

/** Puts cross-cutting behaviour around a driver. Wrappers compose; drivers contain none of it. */
export type DriverWrapper = (driver: SandboxDriver) => SandboxDriver;
