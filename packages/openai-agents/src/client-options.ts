import {
  type Manifest,
  type Provider,
  SandboxError,
  type SecretResolver,
  type SnapshotStore,
} from '@gantry/core';

/** What becomes of a sandbox that a run owned, when the run is over. */
export type AfterRun = 'destroy' | 'suspend' | 'leave-running';

/** What may also be said for one run, as `sandbox.options` of the run. It wins over the client's. */
export interface GantryRunOptions extends Record<string, unknown> {
  /**
   * What the SDK's manifest has no words for: image, network, resources, ports, secrets by reference, setup, mounts. Its entries are
   * put in place beside those of the SDK's manifest; the same path in both is refused.
   */
  readonly manifest?: Manifest;
  /** Added to those of `manifest`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The sandbox ends by itself after this many milliseconds. Default: one hour. */
  readonly maxLifetimeMs?: number;
}

/** Which sandboxes agents get, and what becomes of them. */
export interface GantrySandboxClientOptions extends GantryRunOptions {
  /** Makes the sandboxes. */
  readonly provider: Provider;
  /**
   * Default `destroy`. With `suspend` or `leave-running` a run state that was saved reaches the same sandbox again, until its
   * lifetime is over. Refused where the provider cannot suspend.
   */
  readonly afterRun?: AfterRun;
  /**
   * Each time a run state is saved, the workspace is kept here too: when its sandbox is gone, resuming makes another with the same
   * contents. Without it a sandbox that is gone is an error.
   */
  readonly snapshots?: SnapshotStore;
  /** Where `local_file` and `local_dir` entries start, and what they must stay in unless a path grant of the manifest says more. Default: the process's working directory. */
  readonly baseDirectory?: string;
  /** Resolves secret references of `manifest` other than `env:` and `file:`. */
  readonly secrets?: SecretResolver;
}

const runNames: readonly string[] = ['manifest', 'labels', 'maxLifetimeMs'];
const clientNames: readonly string[] = [
  ...runNames,
  'provider',
  'afterRun',
  'snapshots',
  'baseDirectory',
  'secrets',
];
const afterRuns: readonly unknown[] = ['destroy', 'suspend', 'leave-running'];

/** Throws `invalid-argument` for an option that there is not, `unsupported` for one that the provider cannot honour. */
export function checkClientOptions(options: GantrySandboxClientOptions): void {
  refuseUnknown('GantrySandboxClient', options, clientNames);
  const { provider, afterRun = 'destroy' } = options;
  if (!afterRuns.includes(afterRun)) {
    throw new SandboxError('invalid-argument', `afterRun is one of ${afterRuns.join(', ')}`);
  }
  if (afterRun !== 'suspend' || provider.capabilities.suspend !== undefined) return;
  throw new SandboxError(
    'unsupported',
    `${provider.id} cannot suspend a sandbox; use afterRun: 'leave-running', or a snapshot store`,
    { provider: provider.id },
  );
}

/** The options of one run. Throws `invalid-argument` for one that there is not. */
export function checkRunOptions(options: GantryRunOptions): GantryRunOptions {
  refuseUnknown('sandbox.options', options, runNames);
  return options;
}

function refuseUnknown(what: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const message = `${what}: there is no option ${JSON.stringify(unknown)}; there are ${known.join(', ')}`;
  throw new SandboxError('invalid-argument', message);
}
