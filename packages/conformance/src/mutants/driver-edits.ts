import type {
  Command,
  CreateRequest,
  DriverCapabilities,
  DriverHandle,
  DriverProcess,
  DriverWrapper,
  SandboxDriver,
  SandboxRef,
} from '@gantry/core/driver';

type Start = (command: Command) => Promise<DriverProcess>;

/** A wrapper that changes how processes are started. */
export function onSpawn(
  change: (start: Start, command: Command, handle: DriverHandle) => Promise<DriverProcess>,
): DriverWrapper {
  return (driver) => ({
    ...driver,
    spawn: (handle, command, call) =>
      change((changed) => driver.spawn(handle, changed, call), command, handle),
  });
}

/** A wrapper that changes commands before they are started. */
export function onCommand(change: (command: Command) => Command): DriverWrapper {
  return onSpawn((start, command) => start(change(command)));
}

/** A wrapper that changes processes once they have started. */
export function onProcess(
  change: (process: DriverProcess, command: Command) => Partial<DriverProcess>,
): DriverWrapper {
  return onSpawn(async (start, command) => {
    const process = await start(command);
    const kill = process.kill.bind(process);
    return { ...process, kill, ...change({ ...process, kill }, command) };
  });
}

/** A wrapper that changes one capability where the driver has it; else the driver stays as it is. */
export function onCapability<Name extends keyof DriverCapabilities<DriverHandle>>(
  name: Name,
  change: (
    capability: NonNullable<SandboxDriver[Name]>,
    driver: SandboxDriver,
  ) => Partial<NonNullable<SandboxDriver[Name]>>,
): DriverWrapper {
  return (driver) => {
    const capability = driver[name];
    if (capability === undefined) return driver;
    return { ...driver, [name]: { ...capability, ...change(capability, driver) } };
  };
}

/** A wrapper that changes what a sandbox is asked to be. */
export function onCreate(change: (request: CreateRequest) => CreateRequest): DriverWrapper {
  return (driver) => ({
    ...driver,
    create: (request, call) => driver.create(change(request), call),
  });
}

/**
 * A wrapper under which sandboxes are known by other refs than their driver's, which only this
 * process can translate.
 */
export function aliased(
  rename: (ref: SandboxRef, request: CreateRequest) => SandboxRef,
): DriverWrapper {
  const real = new Map<string, SandboxRef>();
  const handles = new WeakMap<DriverHandle, DriverHandle>();
  const refOf = (ref: SandboxRef): SandboxRef =>
    real.get(ref.id) ?? { ...ref, id: `gone-${ref.id}` };
  const handleOf = (handle: DriverHandle): DriverHandle => handles.get(handle) ?? handle;
  const hide = (handle: DriverHandle, ref: SandboxRef): DriverHandle => {
    const alias = { ...handle, ref };
    handles.set(alias, handle);
    return alias;
  };
  return (driver) => {
    // Other capabilities would be handed the alias, which they do not know.
    const { spec, id, traits } = driver;
    return {
      spec,
      id,
      traits,
      ...(driver.probe ? { probe: driver.probe.bind(driver) } : {}),
      async create(request, call) {
        const handle = await driver.create(request, call);
        const alias = rename(handle.ref, request);
        real.set(alias.id, handle.ref);
        return hide(handle, alias);
      },
      inspect: (ref, call) => driver.inspect(refOf(ref), call),
      connect: async (ref, call) => hide(await driver.connect(refOf(ref), call), ref),
      spawn: (handle, command, call) => driver.spawn(handleOf(handle), command, call),
      release: (handle) => driver.release(handleOf(handle)),
      destroy: (ref, call) => driver.destroy(refOf(ref), call),
    };
  };
}

/** What a byte stream goes through. */
export interface ByteTransformer {
  transform(chunk: Uint8Array, controller: TransformStreamDefaultController<Uint8Array>): void;
  flush?(controller: TransformStreamDefaultController<Uint8Array>): void;
}

/** A stream whose chunks are changed on their way; with `hoard`, one that reads ahead without end. */
export function through(
  stream: ReadableStream<Uint8Array>,
  transformer: Partial<ByteTransformer>,
  hoard = false,
): ReadableStream<Uint8Array> {
  const ahead = hoard ? { highWaterMark: Number.POSITIVE_INFINITY } : undefined;
  return stream.pipeThrough(new TransformStream(transformer, ahead, ahead));
}
