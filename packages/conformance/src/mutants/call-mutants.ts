import { SandboxError, type OperationOptions, type SandboxRef } from '@gantry/core';
import { aliased } from './driver-edits.ts';
import type { Mutant } from './mutant.ts';
import { reshapeProvider } from './reshape-provider.ts';

/** Runs a promise whose rejection is told in another way. */
async function told<Result>(
  work: Promise<Result>,
  change: (error: SandboxError) => unknown,
): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!SandboxError.is(error)) throw error;
    throw change(error);
  }
}

/** A mutant all of whose errors are told in another way. */
function errors(
  name: string,
  breaks: string,
  kills: readonly string[],
  change: (error: SandboxError) => unknown,
): Mutant {
  return {
    name,
    breaks,
    kills,
    weaken: (provider) =>
      reshapeProvider(provider, {
        provider: (original) => ({
          create: (options) => told(original.create(options), change),
          connect: (ref, options) => told(original.connect(ref, options), change),
          inspect: (ref, options) => told(original.inspect(ref, options), change),
        }),
        sandbox: (sandbox) => ({
          exec: (line, options) => told(sandbox.exec(line, options), change),
          inspect: (options) => told(sandbox.inspect(options), change),
        }),
        files: (files) => ({
          readText: (path, options) => told(files.readText(path, options), change),
          readBytes: (path, options) => told(files.readBytes(path, options), change),
        }),
      }),
  };
}

function trusted(id: string, ref: SandboxRef): SandboxRef {
  return {
    spec: 'gantry-ref/1',
    provider: id,
    id: (ref?.id ?? 'x').replaceAll(/[^a-zA-Z0-9]/g, 'x') || 'x',
  };
}

function withoutSignal<Options extends OperationOptions>(
  options: Options | undefined,
): Options | undefined {
  if (!options?.signal?.aborted) return options;
  const { signal: _ignored, ...rest } = options;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only an optional property is gone
  return rest as Options;
}

export const callMutants: readonly Mutant[] = [
  errors(
    'errors-without-code',
    'calls every failure unknown',
    [
      'faults/create-fails',
      'faults/create-hangs',
      'faults/spawn-fails',
      'faults/spawn-hangs',
      'faults/output-truncated',
      'core/connect-missing',
      'core/exec-nul',
      'core/files-not-found',
      'core/call-deadline',
    ],
    (error) =>
      new SandboxError('unknown', error.message, {
        details: error.details,
        outcome: error.outcome,
        cause: error.cause,
      }),
  ),
  errors(
    'errors-raw',
    'lets raw errors through',
    ['core/error-one-class', 'core/connect-missing'],
    (error) => new Error(error.message),
  ),
  errors(
    'errors-nameless',
    'does not say where an error happened',
    ['core/error-context'],
    (error) =>
      new SandboxError(error.code, error.message, { details: error.details, cause: error.cause }),
  ),
  {
    name: 'narrowing-ignored',
    breaks: 'says that a sandbox can do all that its provider can',
    kills: ['core/capability-narrow'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (_sandbox, { capabilities }) => ({ capabilities }),
      }),
  },
  {
    name: 'changes-claimed',
    breaks: 'says that every sandbox can tell its changes',
    kills: ['changes/undeclared'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: ({ capabilities }) => ({
          capabilities: { ...capabilities, changes: { evidence: 'host-layer' } },
        }),
      }),
  },
  {
    name: 'any-driver-taken',
    breaks: 'takes an instance of a class for a driver',
    kills: ['core/driver-plain'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        provider: (original) => ({
          wrap(wrapper) {
            try {
              return original.wrap(wrapper);
            } catch {
              return original; // The defect: nobody hears of it.
            }
          },
        }),
      }),
  },
  {
    name: 'git-from-anywhere',
    breaks: 'makes the sandbox without a repository that it cannot take',
    kills: ['core/manifest-git-addresses'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        provider: (original) => ({
          create: (options) => original.create(options).catch(() => original.create()),
        }),
      }),
  },
  {
    name: 'secret-in-ref',
    breaks: 'writes a key of the environment into the saved ref',
    kills: ['core/ref-no-secret'],
    wrap: aliased((ref, { env }) => ({
      ...ref,
      id: `${ref.id.slice(0, 30)}.${Object.values(env)[0] ?? 'none'}`.slice(0, 190),
    })),
  },
  {
    name: 'ref-not-json',
    breaks: 'makes refs that lose a part of themselves in JSON',
    kills: ['core/ref-json'],
    wrap: (driver) => ({
      ...driver,
      async create(request, call) {
        const handle = await driver.create(request, call);
        const ref = { ...handle.ref };
        Object.defineProperty(ref, 'id', { value: handle.ref.id, enumerable: false });
        return { ...handle, ref };
      },
    }),
  },
  {
    name: 'ref-trusted',
    breaks: 'repairs malformed refs instead of refusing them',
    kills: ['core/ref-checked'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        provider: (original) => ({
          inspect: (ref, options) => original.inspect(trusted(original.id, ref), options),
          destroy: (ref, options) => original.destroy(trusted(original.id, ref), options),
        }),
      }),
  },
  {
    name: 'abort-not-looked-at',
    breaks: 'starts work though its signal was aborted',
    kills: ['core/call-already-aborted'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({
          exec: (line, options) => sandbox.exec(line, withoutSignal(options)),
        }),
      }),
  },
  {
    name: 'capability-not-json',
    breaks: 'declares a capability with what JSON cannot hold',
    kills: ['core/capabilities-json'],
    wrap: (driver) => ({ ...driver, images: { since: new Map() } }),
  },
  {
    name: 'retries-everything',
    breaks: 'repeats a command whose answer was lost',
    kills: ['core/error-retry'],
    weaken: (provider) =>
      reshapeProvider(provider, {
        sandbox: (sandbox) => ({
          exec: (line, options) =>
            sandbox.exec(line, options).catch((error: unknown) => {
              if (SandboxError.is(error) && error.code === 'unavailable')
                return sandbox.exec(line, options);
              throw error;
            }),
        }),
      }),
  },
];
