import { onCapability, onCommand, onCreate } from './driver-edits.ts';
import type { Mutant } from './mutant.ts';
import { orIfUnsupported, reshapeProvider } from './reshape-provider.ts';

export const serviceMutants: readonly Mutant[] = [
  {
    name: 'mounts-writable',
    breaks: 'mounts everything writable',
    kills: ['mounts/read-only'],
    wrap: onCreate((request) =>
      request.mounts
        ? { ...request, mounts: request.mounts.map((mount) => ({ ...mount, writable: true })) }
        : request,
    ),
  },
  {
    name: 'user-ignored',
    breaks: 'runs everything as one user',
    kills: ['users/runs-as'],
    wrap: onCommand(({ user: _ignored, ...command }) => command),
  },
  {
    name: 'limits-unclaimed',
    breaks: 'lets limits be set, and says that none is enforced',
    kills: ['resources/traits'],
    wrap: (driver) => ({
      ...driver,
      resources: { settable: ['cpus', 'memoryBytes', 'pids', 'diskBytes'] },
      traits: {
        ...driver.traits,
        limits: { memory: 'none', pids: 'none', cpu: 'none', disk: 'none' },
      },
    }),
  },
  {
    name: 'limits-dropped',
    breaks: 'drops limits that it cannot set',
    kills: ['resources/refuse'],
    wrap: (driver) => ({ ...driver, resources: { settable: [] } }),
    weaken: (provider) =>
      reshapeProvider(provider, {
        provider: (original) => ({
          create: (options) => orIfUnsupported(original.create(options), () => original.create()),
        }),
      }),
  },
  {
    name: 'port-off-by-one',
    breaks: 'exposes the next port',
    kills: ['ports/reaches'],
    wrap: onCapability('ports', (ports) => ({
      expose: (handle, port, call) => ports.expose(handle, port + 1, call),
    })),
  },
  {
    name: 'watch-misses-removals',
    breaks: 'does not tell of removals',
    kills: ['watch/events'],
    wrap: onCapability('watch', (watch) => ({
      async *watch(handle, directory, options, call) {
        for await (const event of watch.watch(handle, directory, options, call))
          if (event.kind !== 'removed') yield event;
      },
    })),
  },
  {
    name: 'extend-ignored',
    breaks: 'agrees to a longer life and does nothing',
    kills: ['lifetime/extends'],
    wrap: onCapability('lifetime', () => ({ extend: async (_handle, expiresAt) => expiresAt })),
  },
  {
    name: 'labels-ignored',
    breaks: 'lists everything, whatever its labels',
    kills: ['inventory/labels'],
    wrap: onCapability('inventory', (inventory) => ({
      list: (_labels, call) => inventory.list({}, call),
    })),
  },
  {
    name: 'labels-mangled',
    breaks: 'keeps labels only as far as its own syntax goes',
    kills: ['inventory/labels'],
    wrap: onCreate((request) => ({
      ...request,
      labels: Object.fromEntries(
        Object.entries(request.labels).map(([name, value]) => [
          name,
          value.replaceAll(/[^a-zA-Z0-9-]/g, '_'),
        ]),
      ),
    })),
  },
  {
    name: 'labels-in-memory',
    breaks: 'keeps labels in the process that created the sandbox',
    kills: ['inventory/other-process'],
    wrap: (driver) => {
      const kept = new Map<string, Readonly<Record<string, string>>>();
      const own = onCreate((request) => ({ ...request, labels: {} }))(driver);
      return onCapability('inventory', (inventory) => ({
        async *list(labels, call) {
          for await (const summary of inventory.list({}, call)) {
            const mine = kept.get(summary.ref.id) ?? {};
            if (Object.entries(labels).every(([name, value]) => mine[name] === value))
              yield { ...summary, labels: mine };
          }
        },
      }))({
        ...own,
        async create(request, call) {
          const handle = await own.create(request, call);
          kept.set(handle.ref.id, request.labels);
          return handle;
        },
      });
    },
  },
  {
    name: 'inventory-stopped',
    breaks: 'lists running sandboxes as stopped',
    kills: ['inventory/states'],
    wrap: onCapability('inventory', (inventory) => ({
      async *list(labels, call) {
        for await (const summary of inventory.list(labels, call))
          yield { ...summary, state: 'stopped' };
      },
    })),
  },
  {
    name: 'processes-unlisted',
    breaks: 'lists no process',
    kills: ['processes/lists'],
    wrap: onCapability('processes', () => ({ list: async () => [] })),
  },
  {
    name: 'metrics-invented',
    breaks: 'reports figures that never move',
    kills: ['metrics/sane'],
    wrap: onCapability('metrics', () => ({
      read: async () => ({ pids: 1, memoryBytes: Number.NaN }),
    })),
  },
];
