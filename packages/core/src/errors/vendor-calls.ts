/** Does a piece of work with a vendor's client; its errors come out as `SandboxError`. */
export type VendorCall = <Result>(work: () => Promise<Result>) => Promise<Result>;

/**
 * How a provider calls its vendor: whatever a call throws comes out as `translate` turns it. What has no meaning of its own it
 * leaves as it is, for core to wrap.
 */
export function vendorCalls(translate: (error: unknown) => unknown): VendorCall {
  return async (work) => {
    try {
      return await work();
    } catch (error) {
      throw translate(error);
    }
  };
}
