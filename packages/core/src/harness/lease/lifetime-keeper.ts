import type { CreateOptions } from '../../contract/provider.ts';
import type { Sandbox } from '../../contract/sandbox.ts';

/** The lifetime that somebody chose for a sandbox: its hard end. */
export function chosenLifetime(
  options: Pick<CreateOptions, 'manifest' | 'maxLifetimeMs'>,
): number | undefined {
  return options.maxLifetimeMs ?? options.manifest?.maxLifetimeMs;
}

/** Moves the end of a sandbox on while it is needed, where its provider can and nobody chose an end for it. */
export class LifetimeKeeper {
  readonly #sandbox: Sandbox;
  readonly #lifetimeMs: number;
  /** Milliseconds since the Unix epoch; asked for where it is not known yet. */
  #endsAt: number | undefined;
  #warned = false;

  constructor(sandbox: Sandbox, lifetimeMs: number, endsAt?: number) {
    this.#sandbox = sandbox;
    this.#lifetimeMs = lifetimeMs;
    this.#endsAt = endsAt;
  }

  /** To be called now and then. A sandbox that is over half of its time gets the whole of it again. */
  async keep(): Promise<void> {
    if (!this.#sandbox.capabilities.lifetime) return;
    try {
      this.#endsAt ??= (await this.#sandbox.inspect()).expiresAt ?? Infinity;
      const now = Date.now();
      if (this.#endsAt - now > this.#lifetimeMs / 2) return;
      this.#endsAt = await this.#sandbox.extendLifetime(now + this.#lifetimeMs);
    } catch (error) {
      // It lives till its end all the same, and the next call tries again.
      if (this.#warned) return;
      this.#warned = true;
      const { provider, id } = this.#sandbox.ref;
      process.emitWarning(
        `the lifetime of sandbox ${provider}/${id} is not extended: ${String(error)}`,
      );
    }
  }
}
