import type { CollectReceipt, MaterializeReceipt } from '../../contract/manifest-types.ts';
import type { CollectOptions, CommandLine, RestrictedSandbox } from '../../contract/sandbox.ts';
import type { SandboxRef } from '../../contract/sandbox-ref.ts';
import type { CreateOptions } from '../../contract/provider.ts';
import type { Json } from '../journal/run-event.ts';
import type { BranchFunction, BranchResult, FanOutOptions } from '../fan-out/fan-out-types.ts';

/** Checks a value that comes from outside and returns it; throws for one that does not fit. A zod schema is one. */
export interface ResultSchema<Value> {
  parse(value: unknown): Value;
}

/** How a step runs. */
export interface StepOptions<Value = unknown> {
  /**
   * `none` claims that the step changes nothing in the workspace: it is committed when it is recorded, and may run beside
   * others. Default `workspace`: one at a time, and committed by the next checkpoint.
   */
  readonly effects?: 'workspace' | 'none';
  /** Checked on the fresh result and again on a recorded one. */
  readonly schema?: ResultSchema<Value>;
  /** How often the step is tried in all, on the workspace as the failed try left it. Default 1. */
  readonly attempts?: number;
}

/** What a step's function is told. */
export interface StepContext {
  /** From 1; counts the tries of earlier processes too. */
  readonly attempt: number;
  /** The same in every try of this step, and of no other: for services that do a thing once per key. */
  readonly idempotencyKey: string;
  /** Aborted when the run can no longer use the result. */
  readonly signal: AbortSignal;
  /** Calls a tool, if the policy allows it, and keeps a record: its name, and digests of what went in and came out. */
  readonly tool: <Value>(
    name: string,
    input: unknown,
    call: () => Value | Promise<Value>,
  ) => Promise<Value>;
}

/** A file of a workspace in the harness's store. Plain JSON: a result may hold it. */
export interface Artifact {
  readonly spec: 'gantry-artifact/1';
  readonly run: string;
  /** Where the bytes are in the store, encrypted with the run's key. */
  readonly key: string;
  readonly path: string;
  /** SHA-256 of the bytes, in hexadecimal. */
  readonly sha256: string;
  readonly size: number;
}

/** The sandbox of a run, for use inside its steps; every command and change is recorded. Made when it is first used. */
export interface RunSandbox extends RestrictedSandbox {
  /** The sandbox as it is now; after a recovery it is another one. */
  ref(): Promise<SandboxRef>;
  /** What was put into the workspace when the sandbox was made; `undefined` where that was a snapshot's contents, or nothing. */
  receipt(): Promise<MaterializeReceipt | undefined>;
  /** Fetches the outputs of the manifest, or those named, into a directory of the host. */
  collect(destination: string, options?: CollectOptions): Promise<CollectReceipt>;
}

/** What a run and each of its branches can do. Names and order of these calls must be the same each time the function runs. */
export interface RunScope {
  readonly sandbox: RunSandbox;
  /** Aborted when the run is cancelled or its process has lost it. */
  readonly signal: AbortSignal;
  /** Runs a function and records its result; once it is recorded, the result is returned and the function is not run. */
  step<Value>(
    name: string,
    work: (context: StepContext) => Value | Promise<Value>,
    options?: StepOptions<Value>,
  ): Promise<Value>;
  /**
   * Records a decision together with what it was made from. It is made again only where its inputs are others after a
   * rollback.
   */
  decide<Value>(
    name: string,
    inputs: unknown,
    choose: (context: StepContext) => Value | Promise<Value>,
    options?: Pick<StepOptions<Value>, 'schema'>,
  ): Promise<Value>;
  /** Copies a file of the workspace into the store. */
  artifact(path: string): Promise<Artifact>;
}

/** What came of a merge. Plain JSON. */
export interface MergeOutcome {
  /** Paths of the workspace that were written or removed; 0 where there are conflicts. */
  readonly changes: number;
  /** Paths that the branch and the run changed in different ways: where there are any, nothing was done. 100 at most are named. */
  readonly conflicts: readonly string[];
}

/** A durable run, as its function sees it. */
export interface Run extends RunScope {
  readonly id: string;
  readonly name: string;
  /** What the run was started with. */
  readonly input: Json;
  /** Commits what was recorded so far. Without a change since the last checkpoint it does nothing. */
  checkpoint(): Promise<void>;
  /** Runs a function once for each item, each in a sandbox of its own; one result per item, in the order of the items. */
  fanOut<Item, Value>(
    name: string,
    items: readonly Item[],
    work: BranchFunction<Item, Value>,
    options?: FanOutOptions<Item>,
  ): Promise<readonly BranchResult<Value>[]>;
  /** Makes the workspace that of a branch, which must have started from this run's and kept a snapshot. */
  adopt(name: string, branch: BranchResult<unknown>): Promise<void>;
  /**
   * Does to the workspace what a branch did to its own, which may have begun with anything and must have been kept with
   * `keep: 'changes'`. Compared are contents, modes and links, whole files at a time. Where both changed one path in different
   * ways, nothing is done and the conflicts are told.
   */
  merge(name: string, branch: BranchResult<unknown>): Promise<MergeOutcome>;
}

/** The code of a run. It may be run many times, by several processes one after another: what must happen once goes into steps. */
export type RunFunction<Value> = (run: Run) => Promise<Value>;

/**
 * When a checkpoint is taken by itself: after each step that may change the workspace, after every so many, after so many
 * milliseconds since the last, or never.
 */
export type CheckpointPolicy =
  | 'every-step'
  | 'on-demand'
  | { readonly everySteps: number }
  | { readonly everyMs: number };

/** How a run is set up. The same must be given when another process resumes it. */
export interface RunOptions {
  /** Default: a new id. With the id of a run that is there, that run goes on. */
  readonly id?: string;
  /** JSON; recorded. */
  readonly input?: unknown;
  /** What the sandbox starts from. Its secrets are looked up and known to the run; each process that resumes it looks them up itself. */
  readonly sandbox?: Omit<CreateOptions, 'signal' | 'timeoutMs' | 'onSecret'>;
  /** The provider of the run's own sandbox, by its name in the harness. Default: the first. */
  readonly provider?: string;
  /** Default `every-step`. */
  readonly checkpoint?: CheckpointPolicy;
  /** Lets checkpoints, and what is kept of branches, hold known secrets. Default false: one that is found is `failed-precondition`. */
  readonly acknowledgeSecrets?: boolean;
  /** How many checkpoints keep their snapshot once the run has ended. Default 1. */
  readonly keepCheckpoints?: number;
  /** Gives up on the run: it is failed and its sandboxes are destroyed. */
  readonly signal?: AbortSignal;
}

/** What became of a run. */
export type RunOutcome<Value> =
  | { readonly run: string; readonly status: 'finished'; readonly value: Value }
  /** The run waits for `harness.approve`; then resume it. */
  | { readonly run: string; readonly status: 'suspended'; readonly asks: readonly Ask[] };

/** Something that the policy wants a person to allow. */
export interface Ask {
  readonly id: string;
  readonly kind: 'command' | 'path' | 'host' | 'tool';
  /** The command line, path or host in question; of a tool its name, a space and its input as JSON. */
  readonly subject: string;
  readonly step?: string;
  readonly scope?: string;
}

export type { CommandLine };
