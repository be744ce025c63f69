import type { DriverHandle, DriverWrapper, SandboxRef } from '@gantry/core/driver';

/**
 * A wrapper under which sandboxes have other ids than their driver's, which only this process can translate, and nobody is told of
 * secrets; of its capabilities only those are left that are about the network.
 */
export function renamed(
  rename: (ref: SandboxRef, secret: string | undefined) => string,
): DriverWrapper {
  return ({ spec, id, traits, ...driver }) => {
    const real = new Map<string, SandboxRef>();
    const handles = new WeakMap<DriverHandle, DriverHandle>();
    const refOf = (ref: SandboxRef): SandboxRef => real.get(ref.id) ?? ref;
    const handleOf = (handle: DriverHandle): DriverHandle => handles.get(handle) ?? handle;
    const { network, secrets } = driver;
    return {
      ...{ spec, id, traits },
      ...(driver.probe ? { probe: driver.probe.bind(driver) } : {}),
      ...(secrets ? { secrets } : {}),
      async create(request, call) {
        const { onSecret: _untold, ...quiet } = call;
        const handle = await driver.create(request, quiet);
        const [{ from } = { from: '' }] = Object.values(request.secrets ?? {});
        const secret = from.startsWith('env:')
          ? process.env[from.slice(4)]
          : await request.secretResolver?.(from);
        const ref = { ...handle.ref, id: rename(handle.ref, secret) };
        real.set(ref.id, handle.ref);
        const shown = { ...handle, ref };
        handles.set(shown, handle);
        return shown;
      },
      inspect: (ref, call) => driver.inspect(refOf(ref), call),
      async connect(ref, call) {
        const handle = await driver.connect(refOf(ref), call);
        const shown = { ...handle, ref };
        handles.set(shown, handle);
        return shown;
      },
      spawn: (handle, command, call) => driver.spawn(handleOf(handle), command, call),
      release: (handle) => driver.release(handleOf(handle)),
      destroy: (ref, call) => driver.destroy(refOf(ref), call),
      ...(network && {
        network: {
          ...network,
          ...(network.set && {
            set: async (handle, policy, call) => network.set?.(handleOf(handle), policy, call),
          }),
          ...(network.record && {
            record: (handle, recorder) => network.record?.(handleOf(handle), recorder),
          }),
        },
      }),
    };
  };
}
