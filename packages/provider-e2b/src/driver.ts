import {
  type Call,
  type CreateRequest,
  type SandboxDriver,
  SandboxError,
  type SandboxRef,
} from '@gantry/core/driver';
import { brokering } from '@gantry/core/node';
import { E2B, type Sandbox, type SandboxInfo, SandboxNotFoundError } from 'e2b';
import { fromVendor, withVendor } from './errors.ts';
import { runGuestScript } from './guest-script.ts';
import type { E2bHandle } from './handle.ts';
import { listSandboxes, statusOf } from './inventory.ts';
import { ofCreate, remainingMs, toMetadata } from './metadata.ts';
import { nativeSnapshot } from './native-snapshot.ts';
import { toNetwork } from './network.ts';
import type { ResolvedOptions } from './options.ts';
import { sandboxEnvironment } from './shell-line.ts';
import { spawnCommand } from './spawn.ts';
import { openTerminal } from './terminal.ts';
import { transfer } from './transfer.ts';
import { watchDirectory } from './watch.ts';

/** The vendor's longest life of a sandbox. An account may have less, and is then told so by the vendor. */
const longestLifeMs = 24 * 60 * 60 * 1000;

/** `/workspace`, made by whoever may: the user itself, by sudo, or root. */
const makeWorkspace = `
mkdir -p /workspace 2>/dev/null && [ -w /workspace ] && exit 0
sudo -n mkdir -p /workspace && sudo -n chown "$(id -u):$(id -g)" /workspace
`;

/** Sandboxes of an E2B account, by the vendor's own SDK. */
export function e2bDriver({ connection, template }: ResolvedOptions): SandboxDriver<E2bHandle> {
  // A rate limit says when to come back; the SDK then does so by itself, as often as that.
  const client = new E2B({ retries: 20, ...connection });
  const network = new brokering.VendorNetwork<E2bHandle>({
    tell: ({ sandbox }, policy, headers) => {
      const wanted = toNetwork(policy, headers);
      return withVendor(() => sandbox.updateNetwork(wanted));
    },
    async setsHeaders({ sandbox }) {
      const info = await withVendor(() => sandbox.getInfo());
      return Object.keys(info.network?.rules ?? {}).length > 0;
    },
  });
  const refOf = (id: string): SandboxRef => ({ spec: 'gantry-ref/1', provider: 'e2b', id });
  const handleOf = (sandbox: Sandbox): E2bHandle => ({
    ref: refOf(sandbox.sandboxId),
    sandbox,
    followed: new Set(),
  });

  /** What the vendor knows of a sandbox; `undefined` for none, which is a confirmed absence. */
  const find = (ref: SandboxRef, { signal }: Call): Promise<SandboxInfo | undefined> =>
    withVendor(async () => {
      try {
        return await client.Sandbox.getInfo(ref.id, { signal });
      } catch (error) {
        if (error instanceof SandboxNotFoundError) return undefined;
        throw error;
      }
    });
  const requireThere = async (ref: SandboxRef, call: Call): Promise<SandboxInfo> => {
    const info = await find(ref, call);
    if (info) return info;
    throw new SandboxError('not-found', `there is no sandbox ${ref.id}`, { ref });
  };
  /** The vendor's connect only ever adds to the time that is left, so asking for little adds nothing. */
  const reach = (ref: SandboxRef, timeoutMs: number): Promise<E2bHandle> =>
    withVendor(async () => handleOf(await client.Sandbox.connect(ref.id, { timeoutMs }))).then(
      (handle) => network.renewed(handle),
    );
  const make = async (
    from: string,
    request: CreateRequest,
    { byHost, placeholders }: brokering.SecretHeaders,
  ): Promise<Sandbox> => {
    const { allowInternetAccess, ...rules } = toNetwork(request.network, byHost);
    try {
      // Not by the call's signal: a request that is cut off may have made a sandbox all the same.
      return await client.Sandbox.create(from, {
        envs: sandboxEnvironment({ ...placeholders, ...request.env }),
        ...{ allowInternetAccess, timeoutMs: request.maxLifetimeMs },
        metadata: toMetadata(request),
        lifecycle: { onTimeout: 'kill' },
        network: { ...rules, allowPublicTraffic: false },
      });
    } catch (cause) {
      const error = fromVendor(cause);
      // What was refused has made nothing; an answer that was lost may have been a yes.
      if (!SandboxError.is(error) || error.outcome !== 'not-started') {
        await withVendor(() => killAll(client, ofCreate(request)));
      }
      throw error;
    }
  };

  const create = async (
    from: string,
    request: CreateRequest & brokering.SecretTerms,
  ): Promise<E2bHandle> => {
    const headers = await brokering.secretHeaders(request);
    const sandbox = await headers.send(() => make(from, request, headers));
    try {
      await prepare(sandbox);
      const handle = handleOf(sandbox);
      network.keep(handle.ref, request);
      return handle;
    } catch (error) {
      await withVendor(() => sandbox.kill());
      throw error;
    }
  };

  return {
    spec: 'gantry-driver/1',
    id: 'e2b',
    traits: {
      isolation: 'microvm',
      // The SDK hands out text.
      output: 'text',
      stdin: 'stream',
      exit: 'exact',
      lingering: 'untold',
      kill: 'group',
      limits: { memory: 'enforced', pids: 'none', cpu: 'enforced', disk: 'enforced' },
    },
    inlineInputBytes: 192 * 1024,
    transfer,
    root: { modes: ['copy-on-write'] },
    images: {},
    lifetime: {
      maxMs: longestLifeMs,
      async extend({ sandbox }, expiresAt) {
        await withVendor(() => sandbox.setTimeout(Math.max(0, expiresAt - Date.now())));
        return (await withVendor(() => sandbox.getInfo())).endAt.getTime();
      },
    },
    inventory: { list: (labels, call) => listSandboxes(client, labels, refOf, call) },
    terminal: { resize: true, open: openTerminal },
    watch: { recursive: true, watch: watchDirectory },
    ports: {
      async expose({ sandbox, ref }, port) {
        const { sandboxUrl } = connection;
        const token = sandbox.trafficAccessToken;
        const headers = token ? { 'e2b-traffic-access-token': token } : {};
        if (sandboxUrl === undefined) return { url: `https://${sandbox.getHost(port)}`, headers };
        // One address for every sandbox: the vendor's router goes by these then.
        const route = { 'e2b-sandbox-id': ref.id, 'e2b-sandbox-port': String(port) };
        return { url: sandboxUrl, headers: { ...headers, ...route } };
      },
    },
    secrets: { inject: ['header'] },
    network: {
      modes: ['none', 'allow-list', 'open'],
      live: true,
      set: (handle, policy) => network.set(handle, policy),
    },
    nativeSnapshot: nativeSnapshot(client, create),
    metrics: {
      async read({ sandbox }) {
        const latest = (await withVendor(() => sandbox.getMetrics())).at(-1);
        return latest ? { memoryBytes: latest.memUsed, diskBytes: latest.diskUsed } : {};
      },
    },
    suspend: {
      modes: ['memory', 'disk'],
      async suspend({ sandbox, ref }, mode) {
        const keepMemory = mode === 'memory';
        if (await withVendor(() => sandbox.pause({ keepMemory }))) return;
        const message = `sandbox ${ref.id} is suspended already`;
        throw new SandboxError('failed-precondition', message, { ref });
      },
      async resume(ref, call) {
        const left = remainingMs((await requireThere(ref, call)).metadata);
        if (left > 0) return reach(ref, left);
        await withVendor(() => client.Sandbox.kill(ref.id));
        throw new SandboxError('not-found', `the time of sandbox ${ref.id} is over`, { ref });
      },
    },

    async probe(call) {
      await withVendor(() => client.Sandbox.list({ limit: 1 }).nextItems({ signal: call.signal }));
      return {};
    },

    create: (request, call) =>
      create(request.image ?? template, brokering.withListener(request, call)),

    async inspect(ref, call) {
      const info = await find(ref, call);
      return info ? statusOf(info) : { state: 'gone' };
    },

    async connect(ref, call) {
      const { state } = await requireThere(ref, call);
      if (state === 'running') return reach(ref, 1_000);
      const message = `sandbox ${ref.id} is suspended; resume it`;
      throw new SandboxError('failed-precondition', message, { ref });
    },

    spawn: spawnCommand,

    async release({ followed }) {
      await Promise.all([...followed].map((command) => command.disconnect()));
    },

    async destroy(ref) {
      await withVendor(() => client.Sandbox.kill(ref.id));
      network.forget(ref);
    },
  };
}

/** Gives a fresh sandbox its `/workspace`. */
async function prepare(sandbox: Sandbox): Promise<void> {
  let made = await runGuestScript(sandbox, makeWorkspace);
  if (made.code !== 0) {
    const owner = (await runGuestScript(sandbox, 'id -un')).stdout.trim();
    const script = 'mkdir -p /workspace && chown "$1" /workspace';
    made = await runGuestScript(sandbox, script, [owner], { user: 'root' });
  }
  if (made.code === 0) return;
  const message = `the sandbox cannot be given /workspace: ${made.stderr}`;
  throw new SandboxError('failed-precondition', message);
}

async function killAll(client: E2B, metadata: Record<string, string>): Promise<void> {
  const pages = client.Sandbox.list({ query: { metadata } });
  while (pages.hasNext) {
    for (const { sandboxId } of await pages.nextItems()) await client.Sandbox.kill(sandboxId);
  }
}
