import type { Endpoint } from '@gantry/core';
import { Preview } from './preview.ts';

/** The previews of all sandboxes: for each open port a server of this machine that leads to it. */
export class Previews implements AsyncDisposable {
  readonly #open = new Map<string, Map<number, Promise<Preview>>>();

  /** The address for a browser. The same port of a sandbox keeps its address while it is open. */
  async open(sandbox: string, port: number, endpoint: Endpoint): Promise<string> {
    const ports = this.#open.get(sandbox) ?? new Map<number, Promise<Preview>>();
    this.#open.set(sandbox, ports);
    const preview = ports.get(port) ?? Preview.start();
    ports.set(port, preview);
    const { url } = (await preview).leadTo(endpoint);
    return url;
  }

  /** Ends the previews of a sandbox. */
  async close(sandbox: string): Promise<void> {
    const ports = this.#open.get(sandbox);
    this.#open.delete(sandbox);
    await Promise.all(
      [...(ports?.values() ?? [])].map(async (preview) => (await preview)[Symbol.asyncDispose]()),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open.keys()].map((sandbox) => this.close(sandbox)));
  }
}
