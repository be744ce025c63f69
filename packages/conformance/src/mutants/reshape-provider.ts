import { SandboxError, type Files, type Provider, type Sandbox } from '@gantry/core';

/** What of a provider's objects behaves differently; each function sees the original. */
export interface Reshaping {
  readonly provider?: (provider: Provider) => Partial<Provider>;
  readonly sandbox?: (sandbox: Sandbox, provider: Provider) => Partial<Sandbox>;
  readonly files?: (files: Files, sandbox: Sandbox) => Partial<Files>;
}

/** A provider some of whose methods, and its sandboxes' and their files' methods, are replaced. */
export function reshapeProvider(provider: Provider, reshaping: Reshaping): Provider {
  const wrapSandbox = (sandbox: Sandbox): Sandbox => {
    const files = replaced(sandbox.files, reshaping.files?.(sandbox.files, sandbox) ?? {});
    return replaced<Sandbox>(sandbox, { files, ...reshaping.sandbox?.(sandbox, provider) });
  };
  const own = reshaping.provider?.(provider) ?? {};
  const create = own.create ?? provider.create.bind(provider);
  const connect = own.connect ?? provider.connect.bind(provider);
  return replaced(provider, {
    ...own,
    create: async (options) => wrapSandbox(await create(options)),
    connect: async (ref, options) => wrapSandbox(await connect(ref, options)),
    resume: async (ref, options) => wrapSandbox(await provider.resume(ref, options)),
    rehydrate: async (snapshot, store, options) =>
      wrapSandbox(
        await (own.rehydrate ?? provider.rehydrate.bind(provider))(snapshot, store, options),
      ),
    recover: async (ref, options) =>
      wrapSandbox(await (own.recover ?? provider.recover.bind(provider))(ref, options)),
    createFrom: async (snapshot, options) =>
      wrapSandbox(await provider.createFrom(snapshot, options)),
    wrap: own.wrap ?? ((wrapper) => reshapeProvider(provider.wrap(wrapper), reshaping)),
  });
}

/** The same object, some of its members replaced. */
function replaced<Target extends object>(target: Target, members: Partial<Target>): Target {
  return new Proxy(target, {
    get(object, name) {
      const found: unknown = Reflect.get(name in members ? members : object, name);
      return typeof found === 'function'
        ? (found.bind(name in members ? members : object) as unknown)
        : found;
    },
  });
}

/** What the work resolves to, or something else where it is refused as `unsupported`. */
export async function orIfUnsupported<Result>(
  work: Promise<Result>,
  instead: () => Promise<Result> | Result,
): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (SandboxError.is(error) && error.code === 'unsupported') return instead();
    throw error;
  }
}
