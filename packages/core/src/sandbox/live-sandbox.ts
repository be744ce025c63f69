import type { Call, OperationOptions } from '../contract/call.ts';
import type { Capabilities, SuspendMode } from '../contract/capabilities.ts';
import type { Files } from '../contract/files.ts';
import type { CollectReceipt, Manifest, MaterializeReceipt } from '../contract/manifest-types.ts';
import type { NetworkPolicy, NetworkRecorder } from '../contract/network.ts';
import type {
  Endpoint,
  NativeSnapshotRef,
  ProcessSummary,
  SandboxMetrics,
  SandboxStatus,
} from '../contract/sandbox-driver.ts';
import type { SandboxRef } from '../contract/sandbox-ref.ts';
import type {
  ApplyOptions,
  AttachOptions,
  CollectOptions,
  CommandLine,
  ExecOptions,
  ExecResult,
  RestrictedOptions,
  RestrictedSandbox,
  Sandbox,
  SandboxProcess,
  SpawnOptions,
  Terminal,
  TerminalOptions,
} from '../contract/sandbox.ts';
import type { SnapshotStore } from '../contract/snapshot-store.ts';
import type {
  ForkOptions,
  SandboxOrigin,
  SnapshotOptions,
  TakenSnapshot,
} from '../contract/snapshot-types.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { SandboxFiles } from '../files/sandbox-files.ts';
import { unsupported } from '../provider/capabilities.ts';
import { named, operate } from '../provider/operate.ts';
import type { Session } from '../provider/session.ts';
import { runCommand } from '../process/exec.ts';
import { resolveCommand } from '../process/resolve-command.ts';
import { attachProcess } from '../process/attach-process.ts';
import { drainable } from '../process/guarded-process.ts';
import { startProcess } from '../process/start-process.ts';
import { takeSnapshot } from '../snapshot/capture/take-snapshot.ts';
import { applyManifest, collectFrom, mountPaths } from './apply-manifest.ts';
import { asUser } from './as-user.ts';
import { forkSandbox } from './fork-sandbox.ts';
import { networkSetter, recordNetwork } from './live-network.ts';
import { openTerminal } from './open-terminal.ts';

/** The consumer's sandbox: one session, and how this object came to it, which says whether it must destroy or only release it. */
export class LiveSandbox implements Sandbox {
  readonly ref: SandboxRef;
  readonly capabilities: Capabilities;
  readonly files: Files;
  receipt?: MaterializeReceipt;
  readonly origin: SandboxOrigin;
  readonly #session: Session;
  #manifest: Manifest | undefined;
  #ended: 'released' | 'destroyed' | undefined;

  constructor(
    session: Session,
    origin: SandboxOrigin,
    receipt?: MaterializeReceipt,
    manifest?: Manifest,
  ) {
    this.#session = session;
    this.origin = origin;
    this.#manifest = manifest;
    this.ref = session.handle.ref;
    this.capabilities = session.capabilities;
    this.files = new SandboxFiles((operation) => this.#live(operation));
    if (receipt !== undefined) this.receipt = receipt;
  }

  async exec(line: CommandLine, options: ExecOptions = {}): Promise<ExecResult> {
    const session = this.#live('exec');
    const input = options.stdin === undefined ? 'none' : ({ source: options.stdin } as const);
    return named(this.#context('exec'), async () => {
      const command = resolveCommand(session, 'exec', line, options);
      return runCommand(session, 'exec', command, input, options);
    });
  }

  async spawn(line: CommandLine, options: SpawnOptions = {}): Promise<SandboxProcess> {
    const session = this.#live('spawn');
    const { stdin = 'none' } = options;
    const input = typeof stdin === 'string' ? stdin : { source: stdin };
    return named(this.#context('spawn'), async () => {
      const command = resolveCommand(session, 'spawn', line, options);
      const { lingering } = session.capabilities.traits;
      if (!options.detached) {
        return drainable(await startProcess(session, 'spawn', command, input, options), lingering);
      }
      if (!session.capabilities.processes?.attach) {
        throw unsupported(session.driver.id, 'spawn of a detached process', 'processes.attach');
      }
      const detached = { ...command, detached: true } as const;
      return drainable(await startProcess(session, 'spawn', detached, input, options), lingering);
    });
  }

  async inspect(options: OperationOptions = {}): Promise<SandboxStatus> {
    const { driver } = this.#session;
    return this.#operate('inspect', options, (call) => driver.inspect(this.ref, call));
  }

  async apply(manifest: Manifest, options: ApplyOptions = {}): Promise<MaterializeReceipt> {
    const session = this.#live('apply');
    const receipt = await this.#operate('apply', options, (call) =>
      applyManifest(session, manifest, options, call),
    );
    this.#manifest = manifest;
    this.receipt = receipt;
    return receipt;
  }

  async collect(destination: string, options: CollectOptions = {}): Promise<CollectReceipt> {
    const session = this.#live('collect');
    return this.#operate('collect', options, (call) =>
      collectFrom(session, this.#manifest, destination, options, call),
    );
  }

  async processes(options: OperationOptions = {}): Promise<readonly ProcessSummary[]> {
    const { session, capability } = this.#need('processes', 'processes');
    return this.#operate('processes', options, (call) => capability.list(session.handle, call));
  }

  async attach(id: string, options: AttachOptions = {}): Promise<SandboxProcess> {
    const { session, capability } = this.#need('attach', 'processes');
    const attach = capability.attachTo?.bind(capability);
    if (!attach || !session.capabilities.processes?.attach) {
      throw unsupported(session.driver.id, 'attach', 'processes.attach');
    }
    return named(this.#context('attach'), () => attachProcess(session, attach, id, options));
  }

  async terminal(options: TerminalOptions = {}): Promise<Terminal> {
    const { session, capability } = this.#need('terminal', 'terminal');
    return named(this.#context('terminal'), () => openTerminal(session, capability, options));
  }

  async expose(port: number, options: OperationOptions = {}): Promise<Endpoint> {
    const { session, capability } = this.#need('expose', 'ports');
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      const message = `expose: ${port} is no port; give a whole number from 1 to 65535`;
      throw new SandboxError('invalid-argument', message, this.#context('expose'));
    }
    return this.#operate('expose', options, (call) =>
      capability.expose(session.handle, port, call),
    );
  }

  async setNetwork(policy: NetworkPolicy, options: OperationOptions = {}): Promise<void> {
    const { session } = this.#need('setNetwork', 'network');
    const set = networkSetter(session, policy);
    await this.#operate('setNetwork', options, set);
  }

  recordNetwork(recorder: NetworkRecorder): void {
    const { session } = this.#need('recordNetwork', 'network');
    recordNetwork(session, recorder);
  }

  async suspend(mode?: SuspendMode, options: OperationOptions = {}): Promise<void> {
    const { session, capability } = this.#need('suspend', 'suspend');
    const wanted = mode ?? session.capabilities.suspend?.modes[0];
    if (wanted === undefined || !session.capabilities.suspend?.modes.includes(wanted)) {
      throw unsupported(session.driver.id, `suspend to ${wanted}`, 'suspend.modes');
    }
    await this.#operate('suspend', options, (call) =>
      capability.suspend(session.handle, wanted, call),
    );
  }

  async snapshot(store: SnapshotStore, options: SnapshotOptions = {}): Promise<TakenSnapshot> {
    const session = this.#live('snapshot');
    const plan = this.receipt?.planDigest;
    const mounts = mountPaths(this.#manifest);
    const subject = { session, mounts, ...(plan === undefined ? {} : { plan }) };
    return this.#operate('snapshot', options, (call) =>
      takeSnapshot(subject, store, options, call),
    );
  }

  async nativeSnapshot(
    scope: NativeSnapshotRef['scope'],
    options: OperationOptions = {},
  ): Promise<NativeSnapshotRef> {
    const { session, capability } = this.#need('nativeSnapshot', 'nativeSnapshot');
    const kinds = session.capabilities.nativeSnapshot?.kinds ?? [];
    if (!kinds.some((kind) => kind.scope === scope)) {
      throw unsupported(session.driver.id, `nativeSnapshot of ${scope}`, 'nativeSnapshot.kinds');
    }
    return this.#operate('nativeSnapshot', options, (call) =>
      capability.take(session.handle, scope, call),
    );
  }

  async fork(
    count: number,
    options: ForkOptions = {},
  ): Promise<readonly PromiseSettledResult<Sandbox>[]> {
    const session = this.#live('fork');
    const own = (clone: Session, origin: SandboxOrigin): Sandbox => new LiveSandbox(clone, origin);
    return named(this.#context('fork'), () => forkSandbox(session, count, options, own));
  }

  async metrics(options: OperationOptions = {}): Promise<SandboxMetrics> {
    const { session, capability } = this.#need('metrics', 'metrics');
    return this.#operate('metrics', options, (call) => capability.read(session.handle, call));
  }

  async extendLifetime(expiresAt: number, options: OperationOptions = {}): Promise<number> {
    const { session, capability } = this.#need('extendLifetime', 'lifetime');
    return this.#operate('extendLifetime', options, (call) =>
      capability.extend(session.handle, expiresAt, call),
    );
  }

  async release(): Promise<void> {
    if (this.#ended) return;
    this.#ended = 'released';
    const { driver, handle } = this.#session;
    await this.#operate('release', {}, () => driver.release(handle));
  }

  async destroy(options: OperationOptions = {}): Promise<void> {
    if (this.#ended === 'destroyed') return;
    const { driver } = this.#session;
    await this.release();
    await this.#operate('destroy', options, (call) => driver.destroy(this.ref, call));
    // Only now: a destroy that failed may be tried again.
    this.#ended = 'destroyed';
  }

  restricted(options: RestrictedOptions = {}): RestrictedSandbox {
    const own = { exec: this.exec.bind(this), spawn: this.spawn.bind(this) };
    const use = (operation: string): Session => this.#live(operation);
    if (options.user !== undefined) return asUser(own, options.user, use);
    return Object.freeze({ ...own, files: new SandboxFiles(use) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.origin.how === 'reattached' ? this.release() : this.destroy());
  }

  /** The session, as long as this object may be used. */
  #live(operation: string): Session {
    if (!this.#ended) return this.#session;
    const { driver, handle } = this.#session;
    throw new SandboxError(
      'failed-precondition',
      `${operation}: this object has been ${this.#ended}; connect to the sandbox again, or create one`,
      { provider: driver.id, operation, ref: handle.ref, details: { reason: this.#ended } },
    );
  }

  /** The session and one of its driver's optional parts, or the error that says it is not declared. */
  #need<
    Name extends
      | 'processes'
      | 'terminal'
      | 'ports'
      | 'network'
      | 'suspend'
      | 'nativeSnapshot'
      | 'metrics'
      | 'lifetime',
  >(
    operation: string,
    name: Name,
  ): { session: Session; capability: NonNullable<Session['driver'][Name]> } {
    const session = this.#live(operation);
    const capability = session.driver[name];
    if (!capability || session.capabilities[name] === undefined) {
      throw unsupported(session.driver.id, operation, name);
    }
    return { session, capability };
  }

  #operate<Result>(
    operation: string,
    options: OperationOptions,
    work: (call: Call) => Promise<Result>,
  ): Promise<Result> {
    return operate(this.#context(operation), options, work);
  }

  #context(operation: string): { provider: string; operation: string; ref: SandboxRef } {
    return { provider: this.#session.driver.id, operation, ref: this.ref };
  }
}
