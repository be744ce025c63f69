import { type Endpoint, SandboxError } from '@gantry/core/driver';
import { withVendor } from './errors.ts';
import type { VercelHandle } from './handle.ts';

/** Ports that the vendor routes to one sandbox. */
export const mostPorts = 15;

/** The vendor's address of a port, which everybody can reach. One that was not asked for at create is added. */
export async function exposePort({ sandbox }: VercelHandle, port: number): Promise<Endpoint> {
  const routeOf = (): string | undefined =>
    sandbox.routes.find((route) => route.port === port)?.url;
  if (routeOf() === undefined) {
    // The vendor takes the whole list: one change after another, each from what there is.
    const before = changes.get(sandbox) ?? Promise.resolve();
    const change = before.then(() =>
      withVendor(() => sandbox.update({ ports: [...sandbox.routes.map((one) => one.port), port] })),
    );
    changes.set(
      sandbox,
      change.catch(() => undefined), // Whoever asked for it gets its error.
    );
    await change;
  }
  const url = routeOf();
  if (url !== undefined) return { url, headers: {} };
  throw new SandboxError('unavailable', `the vendor gave no address of port ${port}`);
}

const changes = new WeakMap<VercelHandle['sandbox'], Promise<unknown>>();
