import type { NetworkPolicy } from '../contract/network.ts';
import type { DriverHandle } from '../contract/sandbox-driver.ts';
import type { SandboxRef } from '../contract/sandbox-ref.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { type SecretHeaders, secretHeaders, type SecretTerms } from './secret-headers.ts';

/** How a driver speaks with its vendor about the network of a sandbox that runs. */
export interface NetworkCalls<Handle> {
  /** Has this policy hold, with these headers and no others. */
  tell(handle: Handle, policy: NetworkPolicy, headers: SecretHeaders['byHost']): Promise<unknown>;
  /** Whether the vendor was told of headers, by whatever process. */
  setsHeaders(handle: Handle): boolean | Promise<boolean>;
}

/** The networks of a driver's sandboxes whose vendor sets secrets in headers: what was asked for in this process, never a value. */
export class VendorNetwork<Handle extends DriverHandle> {
  readonly #vendor: NetworkCalls<Handle>;
  readonly #terms = new Map<string, SecretTerms>();

  constructor(vendor: NetworkCalls<Handle>) {
    this.#vendor = vendor;
  }

  /** Of a new sandbox; nothing is kept of one without secrets. */
  keep({ id }: SandboxRef, { network, secrets, secretResolver, onSecret }: SecretTerms): void {
    if (!secrets) return;
    const told = {
      ...(secretResolver ? { secretResolver } : {}),
      ...(onSecret ? { onSecret } : {}),
    };
    this.#terms.set(id, { network, secrets, ...told });
  }

  /** A clone is sent what its source is. */
  copy(source: SandboxRef, clone: SandboxRef): void {
    const terms = this.#terms.get(source.id);
    if (terms) this.keep(clone, terms);
  }

  forget({ id }: SandboxRef): void {
    this.#terms.delete(id);
  }

  /** From now on this policy holds, with the secrets as they are now. */
  async set(handle: Handle, policy: NetworkPolicy): Promise<void> {
    const { ref } = handle;
    const known = this.#terms.get(ref.id);
    // A policy replaces all headers: those of another process would be lost without a word.
    if (!known && policy.mode !== 'none' && (await this.#vendor.setsHeaders(handle))) {
      const message = `sandbox ${ref.id} is sent secrets that this process does not know: change its network where it was made, or take it away`;
      throw new SandboxError('failed-precondition', message, { ref });
    }
    await this.#tell(handle, { ...known, network: policy });
  }

  /** The handle of a sandbox that was reached again, which is sent its secrets as they are now. */
  async renewed(handle: Handle): Promise<Handle> {
    const known = this.#terms.get(handle.ref.id);
    if (known) await this.#tell(handle, known);
    return handle;
  }

  async #tell(handle: Handle, terms: SecretTerms): Promise<void> {
    const { byHost, send } = await secretHeaders(terms);
    await send(() => this.#vendor.tell(handle, terms.network, byHost));
    this.keep(handle.ref, terms);
  }
}
