import type { Duplex } from 'node:stream';
import type { Call } from './call.ts';

/** Where the host listens in a sandbox. */
export interface InterceptOptions {
  /** On 127.0.0.1 of the sandbox's own network, from 1024 on. Default: any that is free. */
  readonly port?: number;
}

/** Takes one connection: paused, half-open ends kept apart, `error` and `close` as sockets have them. */
export type OnConnection = (connection: Duplex) => void;

/** A listener of the host in the network of one sandbox. */
export interface Interception {
  readonly port: number;
  /** Resolves when no connection comes any more: by `close`, the handle's release, or the end of the sandbox. */
  readonly closed: Promise<void>;
  /** Ends it, its connections too. Idempotent. */
  close(): Promise<void>;
}

/** How a driver lets the host be all the network that a sandbox has. */
export interface Interceptable<Handle> {
  /**
   * Listens in the sandbox's own network, on its loopback address, and hands the host every connection that comes: all that
   * a sandbox of mode `none` can reach. Needs nothing in the image. One listener at a port, else `already-exists`. It ends
   * with `release`, with the sandbox, and with this process: then connections are refused.
   */
  intercept?(
    handle: Handle,
    options: InterceptOptions,
    onConnection: OnConnection,
    call: Call,
  ): Promise<Interception>;
}
