import type { Provider, Sandbox } from '@gantry/core';
import {
  memoryStore,
  type RehydrateOptions,
  type Snapshot,
  type SnapshotStore,
} from '@gantry/core/snapshot';
import type { CheckContext } from '../../runner/check-context.ts';

/** Something of every kind that a snapshot keeps. */
const filling = `mkdir -p d/inner empty; printf '\\000\\377bytes' > d/bytes; printf 'run' > d/tool; chmod 751 d/tool
printf 'odd' > 'd/odd
name'; printf 'x' > "d/$(printf '\\351')"; ln -s ../bytes d/inner/link; ln -s missing dangling; ln d/bytes twin; chmod 700 empty
touch -d @1000000000 d/bytes`;

/** What tells two workspaces apart: names, types, modes, contents, links, and times of files in seconds. */
const look = `find . -mindepth 1 | LC_ALL=C sort | while IFS= read -r f; do
if [ -L "$f" ]; then echo "link $f $(readlink "$f")"; elif [ -d "$f" ]; then echo "dir $f $(stat -c %a "$f")"
elif [ -f "$f" ]; then echo "file $f $(stat -c '%a %h %s %Y' "$f") $(sha256sum < "$f" | cut -c1-16)"; else echo "line $f"; fi; done`;

/** Everything that there is in a workspace, in words. */
export async function contentsOf(t: CheckContext, sandbox: Sandbox): Promise<string> {
  return t.succeeded(
    await sandbox.exec(look, { timeoutMs: t.limits.check }),
    'a look at all of it',
  );
}

/** A sandbox with a bit of everything in its workspace. */
export async function filled(t: CheckContext, script: string = filling): Promise<Sandbox> {
  const sandbox = await t.create();
  t.succeeded(await sandbox.exec(script), 'filling the workspace');
  return sandbox;
}

/** The same, and a snapshot of it. */
export async function captured(
  t: CheckContext,
  { script = filling, store = memoryStore() }: { script?: string; store?: SnapshotStore } = {},
): Promise<{ sandbox: Sandbox; store: SnapshotStore; snapshot: Snapshot }> {
  const sandbox = await filled(t, script);
  return { sandbox, store, snapshot: await sandbox.snapshot(store) };
}

/** Rehydrates into a sandbox that the runner cleans up. */
export async function rehydrated(
  t: CheckContext,
  snapshot: Snapshot | string,
  store: SnapshotStore,
  options: RehydrateOptions = {},
  provider: Provider = t.provider,
): Promise<Sandbox> {
  const labels = { ...options.labels, ...t.state.labels };
  const sandbox = await provider.rehydrate(snapshot, store, {
    maxLifetimeMs: 600_000,
    ...options,
    labels,
  });
  t.adopt(sandbox.ref, provider);
  return sandbox;
}

/** Rehydrating must reject with this code, and leave no sandbox that the driver made. */
export async function refusedAndGone(
  t: CheckContext,
  code: 'not-found' | 'data-loss' | 'resource-exhausted' | 'unavailable',
  rehydrate: (provider: Provider) => Promise<unknown>,
  wrap: Parameters<Provider['wrap']>[0] = (driver) => driver,
): Promise<Awaited<ReturnType<CheckContext['rejects']>>> {
  const made: string[] = [];
  const provider = t.provider.wrap((driver) => ({
    ...wrap(driver),
    async create(request, call) {
      const handle = await wrap(driver).create(request, call);
      made.push(handle.ref.id);
      t.adopt(handle.ref);
      return handle;
    },
  }));
  const error = await t.rejects(code, () => rehydrate(provider), 'rehydrate');
  for (const id of made) {
    const ref = { spec: 'gantry-ref/1', provider: t.provider.id, id } as const;
    t.equal((await t.provider.inspect(ref)).state, 'gone', 'what a failed rehydrate has made');
  }
  return error;
}
