import { defineProvider, type Provider } from '@gantry/core/driver';

/** A provider that resolves everything and does nothing. */
export default function nothing(): Provider {
  const empty = (): ReadableStream<Uint8Array> => ReadableStream.from<Uint8Array>([]);
  let last = 0;
  return defineProvider({
    spec: 'gantry-driver/1',
    id: 'nothing',
    traits: {
      isolation: 'process',
      output: 'bytes',
      stdin: 'stream',
      exit: 'exact',
      kill: 'tree',
      limits: { memory: 'none', pids: 'none', cpu: 'none', disk: 'none' },
    },
    create: async () => ({
      ref: { spec: 'gantry-ref/1', provider: 'nothing', id: `nothing-${++last}` },
    }),
    inspect: async () => ({ state: 'running' }),
    connect: async (ref) => ({ ref }),
    spawn: async (_handle, command) => ({
      stdout: empty(),
      stderr: empty(),
      ...(command.stdin === 'stream' ? { stdin: new WritableStream<Uint8Array>() } : {}),
      exit: Promise.resolve({ code: 0 }),
      kill: async () => undefined,
    }),
    release: async () => undefined,
    destroy: async () => undefined,
  });
}
