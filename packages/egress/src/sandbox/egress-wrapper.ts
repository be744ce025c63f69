import { SandboxError } from '@gantry/core';
import type { DriverHandle, DriverWrapper, SandboxDriver } from '@gantry/core/driver';
import { type CreateEngine, EgressHost } from './egress-host.ts';
import type { WithEgressOptions } from './with-egress.ts';

/** What `withEgress` puts around a driver. */
export function egressWrapper(
  options: WithEgressOptions,
  createEngine: CreateEngine,
): DriverWrapper {
  return (driver) => {
    const { network, fork, suspend, nativeSnapshot, terminal } = driver;
    if (!network?.intercept) {
      const message = `provider ${driver.id} cannot hand over what its sandboxes connect to: it does not declare network.intercept`;
      throw new SandboxError('unsupported', message, { provider: driver.id });
    }
    const host = new EgressHost(driver, options, createEngine);
    return {
      ...driver,
      secrets: { inject: ['placeholder', 'header', 'query'] },
      network: {
        ...network,
        modes: [...network.modes, 'allow-list'],
        ...{ live: true, requests: true, recorded: true },
        set: (handle, policy, call) => host.set(handle, policy, call),
        record: (handle, recorder) => host.record(handle, recorder),
      },
      async probe(call) {
        const left = await driver.probe?.(call);
        // Who cannot intercept here takes the mode away, which is all that secrets go by.
        const canIntercept = left?.network === undefined;
        return { ...left, ...(canIntercept ? {} : { secrets: false as const }) };
      },
      create: (request, call) => host.create(request, call, (inner) => driver.create(inner, call)),
      connect: async (ref, call) => host.reattach(await driver.connect(ref, call), call),
      spawn: (handle, command, call) =>
        driver.spawn(handle, { ...command, env: host.environment(handle, command.env) }, call),
      async release(handle) {
        await host.close(handle);
        await driver.release(handle);
      },
      async destroy(ref, call) {
        await host.closeAll(ref);
        await driver.destroy(ref, call);
        host.forget(ref);
      },
      ...(terminal && {
        terminal: {
          ...terminal,
          open: (handle, command, size, call) => {
            const env = host.environment(handle, command.env);
            return terminal.open(handle, { ...command, env }, size, call);
          },
        },
      }),
      ...(suspend && {
        suspend: {
          ...suspend,
          resume: async (ref, call) => host.reattach(await suspend.resume(ref, call), call),
        },
      }),
      ...(nativeSnapshot && {
        nativeSnapshot: {
          ...nativeSnapshot,
          create: (snapshot, request, call) =>
            host.create(request, call, (inner) => nativeSnapshot.create(snapshot, inner, call)),
        },
      }),
      ...(fork && { fork: { ...fork, fork: forkWith(host, fork) } }),
    };
  };
}

type Fork = NonNullable<SandboxDriver['fork']>;

/** Clones have their source's policy and secrets, with placeholders of their own. */
function forkWith(host: EgressHost, fork: Fork): Fork['fork'] {
  return async (handle, requests, call) => {
    const made = await fork.fork(handle, requests, call);
    const served = made.map(async (result, index) => {
      const request = requests[index];
      if (result.status === 'rejected' || !request) throw rejectionOf(result);
      return host.serveClone(handle, result.value, request, call);
    });
    return Promise.allSettled(served);
  };
}

function rejectionOf(result: PromiseSettledResult<DriverHandle>): unknown {
  return result.status === 'rejected' ? result.reason : new Error('a clone nobody asked for');
}
