import type { OperationOptions } from '../contract/call.ts';
import type { Capabilities } from '../contract/capabilities.ts';
import type { CreateOptions, Provider } from '../contract/provider.ts';
import type {
  DriverHandle,
  DriverWrapper,
  Finding,
  NativeSnapshotRef,
  SandboxDriver,
  SandboxStatus,
  SandboxSummary,
} from '../contract/sandbox-driver.ts';
import { parseRef, type SandboxRef } from '../contract/sandbox-ref.ts';
import type { Sandbox } from '../contract/sandbox.ts';
import type { SnapshotStore } from '../contract/snapshot-store.ts';
import type {
  RecoverOptions,
  RehydrateOptions,
  SandboxOrigin,
  Snapshot,
} from '../contract/snapshot-types.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { toSandboxError } from '../errors/to-sandbox-error.ts';
import { LiveSandbox } from '../sandbox/live-sandbox.ts';
import { openSession } from '../sandbox/open-session.ts';
import { rehydrate } from '../snapshot/restore/rehydrate.ts';
import { deriveCapabilities, narrowCapabilities, unsupported } from './capabilities.ts';
import { checkDriver } from './checked-driver.ts';
import { createSandbox, fillFromManifest, type SandboxMaking } from './create-sandbox.ts';
import { operate } from './operate.ts';
import { createdOrigin, nativeOrigin, reattachedOrigin, recreatedOrigin } from './origin.ts';
import { recoverSandbox } from './recover-sandbox.ts';

/**
 * Makes a provider of a driver: checks arguments, enforces capabilities, derives what the driver
 * leaves out, and turns whatever it throws into `SandboxError`. Throws `invalid-argument` for a
 * value that is no driver.
 */
export function defineProvider<Handle extends DriverHandle>(
  driver: SandboxDriver<Handle>,
): Provider {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- core only ever hands a driver handles of its own making
  const anyDriver = driver as unknown as SandboxDriver;
  checkDriver(anyDriver);
  return new DefinedProvider(anyDriver);
}

class DefinedProvider implements Provider {
  readonly id: string;
  readonly capabilities: Capabilities;
  readonly #driver: SandboxDriver;

  constructor(driver: SandboxDriver) {
    this.#driver = driver;
    this.id = driver.id;
    this.capabilities = deriveCapabilities(driver);
  }

  async probe(options: OperationOptions = {}): Promise<Capabilities> {
    const overrides = await operate(
      { provider: this.id, operation: 'probe' },
      options,
      async (call) => this.#driver.probe?.(call),
    );
    return narrowCapabilities(this.capabilities, overrides, this.id);
  }

  async diagnose(options: OperationOptions = {}): Promise<readonly Finding[]> {
    const context = { provider: this.id, operation: 'diagnose' };
    return operate(context, options, async (call) => (await this.#driver.diagnose?.(call)) ?? []);
  }

  wrap(wrapper: DriverWrapper): Provider {
    return defineProvider(wrapper(this.#driver));
  }

  async create(options: CreateOptions = {}): Promise<Sandbox> {
    return this.#make(options, 'create', createdOrigin, (request, call) =>
      this.#driver.create(request, call),
    );
  }

  async createFrom(snapshot: NativeSnapshotRef, options: CreateOptions = {}): Promise<Sandbox> {
    const { nativeSnapshot } = this.#driver;
    if (!nativeSnapshot) throw unsupported(this.id, 'createFrom', 'nativeSnapshot');
    this.#checkOwner('createFrom', snapshot.provider);
    return this.#make(options, 'createFrom', nativeOrigin(snapshot.scope), (request, call) =>
      nativeSnapshot.create(snapshot, request, call),
    );
  }

  async rehydrate(
    snapshot: Snapshot | string,
    store: SnapshotStore,
    options: RehydrateOptions = {},
  ): Promise<Sandbox> {
    return this.#rehydrate(snapshot, store, options, 'rehydrate');
  }

  async recover(ref: SandboxRef, options: RecoverOptions = {}): Promise<Sandbox> {
    const { ref: of } = this.#context('recover', ref);
    return recoverSandbox(this, of, options, {
      rehydrate: ({ snapshot, store, ...rest }) =>
        this.#rehydrate(snapshot, store, rest, 'recover', of),
      recreate: (rest) =>
        this.#make(rest, 'recover', recreatedOrigin(of), (request, call) =>
          this.#driver.create(request, call),
        ),
    });
  }

  async removeNativeSnapshot(
    snapshot: NativeSnapshotRef,
    options: OperationOptions = {},
  ): Promise<void> {
    const { nativeSnapshot } = this.#driver;
    const operation = 'removeNativeSnapshot';
    if (!nativeSnapshot) throw unsupported(this.id, operation, 'nativeSnapshot');
    this.#checkOwner(operation, snapshot.provider);
    const context = { provider: this.id, operation };
    await operate(context, options, (call) => nativeSnapshot.remove(snapshot, call));
  }

  async connect(ref: SandboxRef, options: OperationOptions = {}): Promise<Sandbox> {
    const driver = this.#driver;
    const context = this.#context('connect', ref);
    const handle = await operate(
      context,
      options,
      (call) => driver.connect(context.ref, call),
      (late) => driver.release(late),
    );
    return new LiveSandbox(
      openSession(driver, this.capabilities, handle),
      reattachedOrigin(context.ref),
    );
  }

  async resume(ref: SandboxRef, options: OperationOptions = {}): Promise<Sandbox> {
    const driver = this.#driver;
    const { suspend } = driver;
    if (!suspend) throw unsupported(this.id, 'resume', 'suspend');
    const context = this.#context('resume', ref);
    const handle = await operate(
      context,
      options,
      (call) => suspend.resume(context.ref, call),
      (late) => driver.release(late),
    );
    return new LiveSandbox(
      openSession(driver, this.capabilities, handle),
      reattachedOrigin(context.ref),
    );
  }

  async inspect(ref: SandboxRef, options: OperationOptions = {}): Promise<SandboxStatus> {
    const context = this.#context('inspect', ref);
    return operate(context, options, (call) => this.#driver.inspect(context.ref, call));
  }

  async destroy(ref: SandboxRef, options: OperationOptions = {}): Promise<void> {
    const context = this.#context('destroy', ref);
    await operate(context, options, (call) => this.#driver.destroy(context.ref, call));
  }

  async *list(
    options: OperationOptions & { readonly labels?: Readonly<Record<string, string>> } = {},
  ): AsyncGenerator<SandboxSummary, void> {
    const { inventory } = this.#driver;
    if (!inventory) throw unsupported(this.id, 'list', 'inventory');
    const { labels = {}, signal = new AbortController().signal } = options;
    try {
      yield* inventory.list(labels, { signal });
    } catch (error) {
      throw toSandboxError(error, { provider: this.id, operation: 'list' });
    }
  }

  #make(
    options: CreateOptions,
    operation: string,
    origin: SandboxOrigin,
    create: SandboxMaking['create'],
  ): Promise<Sandbox> {
    return createSandbox(this.#driver, this.capabilities, options, {
      operation,
      create,
      async fill(session, call, prepared) {
        const receipt = await fillFromManifest(session, call, prepared);
        return { origin, ...(receipt === undefined ? {} : { receipt }) };
      },
    });
  }

  #rehydrate(
    snapshot: Snapshot | string,
    store: SnapshotStore,
    options: RehydrateOptions,
    operation: string,
    of?: SandboxRef,
  ): Promise<Sandbox> {
    const context = { provider: this.id, operation };
    const { capabilities } = this;
    const subject = { driver: this.#driver, capabilities, ...(of === undefined ? {} : { of }) };
    return operate(
      context,
      options,
      (call) => rehydrate(subject, snapshot, store, options, call),
      (late) => late.destroy(),
    );
  }

  /** The ref, checked like any saved state, with what errors about it must name. */
  #context(
    operation: string,
    ref: SandboxRef,
  ): { provider: string; operation: string; ref: SandboxRef } {
    const parsed = parseRef(ref);
    this.#checkOwner(operation, parsed.provider);
    return { provider: this.id, operation, ref: parsed };
  }

  #checkOwner(operation: string, owner: string): void {
    if (owner === this.id) return;
    const message = `${operation}: this belongs to provider ${owner}, and this is provider ${this.id}`;
    throw new SandboxError('invalid-argument', message, { provider: this.id, operation });
  }
}
