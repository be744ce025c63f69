import { type SandboxDriver, SandboxError, type SandboxRef } from '@gantry/core/driver';
import { brokering } from '@gantry/core/node';
import { Sandbox } from '@vercel/sandbox';
import { explained, lifeOf } from './absence.ts';
import { createSandbox, destroySandbox, findSandbox, requireSandbox } from './create.ts';
import { withVendor } from './errors.ts';
import { forkBySnapshot } from './fork.ts';
import type { VercelHandle } from './handle.ts';
import { listSandboxes } from './inventory.ts';
import { nativeSnapshot } from './native-snapshot.ts';
import { setsOtherHeaders, toNetwork } from './network.ts';
import type { ResolvedOptions } from './options.ts';
import { exposePort, mostPorts } from './ports.ts';
import { inlineInputBytes, spawnCommand } from './spawn.ts';
import { endOf, isOver, statusOf, toLabels, toTags } from './tags.ts';
import { openTerminal } from './terminal.ts';
import { transfer } from './transfer.ts';

/** The vendor's longest session. An account may have less, and is then told so by the vendor. */
const longestLifeMs = 24 * 60 * 60 * 1000;

/** Sandboxes of a Vercel project, by the vendor's own SDK. */
export function vercelDriver(options: ResolvedOptions): SandboxDriver<VercelHandle> {
  const { access, networkRules } = options;
  const network = new brokering.VendorNetwork<VercelHandle>({
    tell: ({ sandbox }, policy, headers) => {
      const networkPolicy = toNetwork(policy, networkRules, headers);
      return withVendor(() => sandbox.update({ networkPolicy }));
    },
    setsHeaders: ({ sandbox }) => setsOtherHeaders(sandbox.networkPolicy, networkRules),
  });
  const refOf = (id: string): SandboxRef => ({ spec: 'gantry-ref/1', provider: 'vercel', id });
  const handleOf = (sandbox: Sandbox): VercelHandle => ({
    ...{ ref: refOf(sandbox.name), sandbox, followed: new Set() },
    // One that keeps nothing cannot come back.
    ...(sandbox.persistent ? {} : { narrowed: { suspend: false } }),
  });
  const fork = forkBySnapshot(options, handleOf, network);
  const create = async (
    ...[request, snapshotId]: [Parameters<typeof createSandbox>[1], string?]
  ): Promise<VercelHandle> => {
    const handle = handleOf(await createSandbox(options, request, snapshotId));
    network.keep(handle.ref, request);
    return handle;
  };

  return {
    spec: 'gantry-driver/1',
    id: 'vercel',
    traits: {
      isolation: 'microvm',
      // Output is the text of JSON lines.
      output: 'text',
      stdin: 'upfront',
      exit: 'shell-encoded',
      lingering: 'untold',
      kill: 'group',
      limits: { memory: 'enforced', pids: 'none', cpu: 'enforced', disk: 'enforced' },
    },
    inlineInputBytes,
    transfer,
    root: { modes: ['copy-on-write'] },
    images: {},
    users: {},
    lifetime: {
      maxMs: longestLifeMs,
      async extend(handle, expiresAt) {
        const { sandbox } = handle;
        const session = sandbox.currentSession();
        const ends = (session.startedAt ?? session.createdAt).getTime() + session.timeout;
        const more = Math.ceil(expiresAt - ends);
        try {
          if (more > 0) await session.extendTimeout(more);
        } catch (error) {
          throw await explained(error, handle, access);
        }
        const holds = Math.max(ends, ends + more);
        const tags = toTags(toLabels(sandbox.tags), holds);
        await withVendor(() => sandbox.update({ tags }));
        return holds;
      },
    },
    inventory: { list: (labels, call) => listSandboxes(access, labels, refOf, call) },
    terminal: {
      resize: true,
      open: (handle, command, size) => openTerminal(access, handle, command, size),
    },
    ports: { maxOpen: mostPorts, expose: exposePort },
    secrets: { inject: ['header'] },
    network: {
      modes: ['none', 'allow-list', 'open'],
      live: true,
      set: (handle, policy) => network.set(handle, policy),
    },
    nativeSnapshot: nativeSnapshot(access, create),
    ...(options.persistent ? { fork } : {}),
    ...(options.persistent
      ? {
          suspend: {
            modes: ['disk'],
            async suspend(handle) {
              try {
                await handle.sandbox.currentSession().stop();
              } catch (error) {
                throw await explained(error, handle, access);
              }
            },
            async resume(ref) {
              const sandbox = await requireSandbox(access, ref);
              if (statusOf(lifeOf(sandbox)).state === 'running')
                return network.renewed(handleOf(sandbox));
              const left = (endOf(sandbox.tags) ?? Infinity) - Date.now();
              return withVendor(async () => {
                // Else the new session would have all of the time that the first one had.
                if (left < Infinity) await sandbox.update({ timeout: Math.ceil(left) });
                return handleOf(await Sandbox.get({ ...access, name: ref.id, resume: true }));
              }).then((handle) => network.renewed(handle));
            },
          },
        }
      : {}),

    async probe({ signal }) {
      await withVendor(() => Sandbox.list({ ...access, limit: 1, signal }));
      return {};
    },

    create: (request, call) => create(brokering.withListener(request, call)),

    async inspect(ref) {
      const sandbox = await findSandbox(access, ref.id);
      // What the vendor keeps of one whose end has come is a name, which `list` tells of until it is destroyed.
      return sandbox && !isOver(sandbox) ? statusOf(lifeOf(sandbox)) : { state: 'gone' };
    },

    async connect(ref) {
      const sandbox = await requireSandbox(access, ref);
      const { state } = statusOf(lifeOf(sandbox));
      if (state === 'running') return network.renewed(handleOf(sandbox));
      const message = `sandbox ${ref.id} is ${state}; resume it`;
      throw new SandboxError('failed-precondition', message, { ref });
    },

    spawn: (handle, command, call) => spawnCommand(access, handle, command, call),

    async release({ followed }) {
      const message = 'the sandbox was let go of: how it ended is not known';
      const error = new SandboxError('unavailable', message, { outcome: 'unknown' });
      for (const lose of followed) lose(error);
    },

    async destroy(ref) {
      await destroySandbox(access, ref.id);
      network.forget(ref);
    },
  };
}
