import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SandboxDriver, SandboxRef, SandboxSummary } from '../../src/driver.ts';
import { defineProvider, SandboxError } from '../../src/driver.ts';
import type { Provider } from '../../src/index.ts';
import { startOnHost } from '../host-driver.ts';

interface SandboxRecord {
  readonly labels: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly createdAt: number;
}

const reference = (provider: string, id: string): SandboxRef => ({
  spec: 'gantry-ref/1',
  provider,
  id,
});

/** A driver whose sandboxes are directories below `root`, which every process of the host can reach. No isolation. */
export function sharedHostDriver(root: string, id = 'shared'): SandboxDriver {
  mkdirSync(root, { recursive: true });
  const places = (sandbox: string) => ({
    record: path.join(root, `${sandbox}.json`),
    workspace: path.join(root, sandbox),
    processes: path.join(root, `${sandbox}.processes`),
  });
  const read = (sandbox: string): SandboxRecord | undefined => {
    try {
      return JSON.parse(readFileSync(places(sandbox).record, 'utf8')) as SandboxRecord;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  };
  const need = (sandbox: string): SandboxRecord => {
    const record = read(sandbox);
    if (record) return record;
    throw new SandboxError('not-found', `there is no sandbox ${sandbox}`);
  };
  const handle = (sandbox: string) => ({
    ref: reference(id, sandbox),
    workspace: places(sandbox).workspace,
  });
  return {
    spec: 'gantry-driver/1',
    id,
    traits: {
      isolation: 'none',
      output: 'bytes',
      stdin: 'stream',
      exit: 'exact',
      kill: 'group',
      limits: { memory: 'none', pids: 'none', cpu: 'none', disk: 'none' },
    },
    inventory: {
      async *list(labels): AsyncIterable<SandboxSummary> {
        for (const file of readdirSync(root).filter((name) => name.endsWith('.json'))) {
          const sandbox = file.slice(0, -'.json'.length);
          const record = read(sandbox);
          const fits = Object.entries(labels).every(
            ([key, value]) => record?.labels[key] === value,
          );
          if (record && fits) yield { ...record, ref: reference(id, sandbox), state: 'running' };
        }
      },
    },
    async create({ id: sandbox, labels, env }) {
      const { record, workspace, processes } = places(sandbox);
      // The record first: whatever a killed creator leaves behind is in the inventory.
      writeFileSync(`${record}.new`, JSON.stringify({ labels, env, createdAt: Date.now() }));
      renameSync(`${record}.new`, record);
      mkdirSync(workspace);
      mkdirSync(processes);
      return handle(sandbox);
    },
    async inspect(ref) {
      return { state: read(ref.id) ? 'running' : 'gone' };
    },
    async connect(ref) {
      need(ref.id);
      return handle(ref.id);
    },
    async spawn({ ref }, command) {
      const { env } = need(ref.id);
      const started = await startOnHost(
        command,
        { PATH: '/usr/local/bin:/usr/bin:/bin', ...env, ...command.env },
        undefined,
      );
      if (started.pid === undefined) return started;
      const mark = path.join(places(ref.id).processes, String(started.pid));
      try {
        writeFileSync(mark, '');
      } catch {
        // Destroyed meanwhile: nobody else would end what was just started.
        await started.kill('SIGKILL');
      }
      void started.exit.finally(() => rmSync(mark, { force: true })).catch(() => undefined);
      return started;
    },
    async release() {
      // Nothing local is held.
    },
    async destroy(ref) {
      endSandbox(root, ref.id);
    },
  };
}

/** The same as a provider. */
export function sharedHost(root: string, id?: string): Provider {
  return defineProvider(sharedHostDriver(root, id));
}

/** Ends a sandbox at once, as a crash of its machine would. */
export function endSandbox(root: string, sandbox: string): void {
  rmSync(path.join(root, `${sandbox}.json`), { force: true });
  const processes = path.join(root, `${sandbox}.processes`);
  for (const pid of list(processes)) {
    try {
      process.kill(-Number(pid), 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  rmSync(processes, { recursive: true, force: true, maxRetries: 5 });
  rmSync(path.join(root, sandbox), { recursive: true, force: true, maxRetries: 5 });
}

/** Ids of the sandboxes that are there. */
export function sandboxesOf(root: string): readonly string[] {
  return list(root)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length));
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
