// One snapshot and its restore in a process of its own: `node snapshot-child.js gantry|openai TREE SCRATCH [checks]`.
// Prints JSON: times in milliseconds, the peak of resident memory over what the process had before, and, with
// `checks`, which points of fidelity survive, the tree being left out.
import { execFileSync } from 'node:child_process';
import { createReadStream, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { fidelityPoints } from './fidelity-points.ts';

const [kind = '', tree = '', scratch = '', checks = ''] = process.argv.slice(2);

interface Subject extends AsyncDisposable {
  run(script: string): Promise<boolean>;
  fill(): Promise<void>;
  take(): Promise<void>;
  /** In place of what was taken. */
  restore(): Promise<void>;
}

// Each is loaded only where it is measured: what the other takes is not its memory.
async function gantry(): Promise<Subject> {
  const { directoryStore } = await import('@gantry/core/node');
  const { local } = await import('@gantry/provider-local');
  const provider = local({ stateDirectory: path.join(scratch, 'state') });
  const store = directoryStore(path.join(scratch, 'store'));
  let sandbox = await provider.create();
  let id = '';
  return {
    async run(script) {
      return (await sandbox.exec(['bash', '-c', script])).ok;
    },
    async fill() {
      const tar = path.join(scratch, 'tree.tar');
      execFileSync('tar', ['-C', tree, '-cf', tar, '.']);
      const stdin = Readable.toWeb(createReadStream(tar)) as ReadableStream<Uint8Array>;
      const { ok, stderr } = await sandbox.exec(['tar', '-xf', '-'], { stdin });
      if (!ok) throw new Error(stderr.text);
      rmSync(tar);
    },
    async take() {
      ({ id } = await sandbox.snapshot(store));
    },
    async restore() {
      const back = await provider.rehydrate(id, store);
      await sandbox.destroy();
      sandbox = back;
    },
    async [Symbol.asyncDispose]() {
      await sandbox.destroy();
    },
  };
}

async function openai(): Promise<Subject> {
  const { UnixLocalSandboxClient } = await import('@openai/agents/sandbox/local');
  const client = new UnixLocalSandboxClient({
    snapshot: { type: 'local', baseDir: path.join(scratch, 'snapshots') },
    workspaceBaseDir: scratch,
  });
  let session = await client.create();
  let saved = '';
  const root = (): string => session.state.workspaceRootPath;
  return {
    async run(script) {
      try {
        execFileSync('bash', ['-c', script], { cwd: root(), stdio: 'ignore' });
        return true;
      } catch {
        // A script that fails is the answer no.
        return false;
      }
    },
    async fill() {
      execFileSync('cp', ['-a', `${tree}/.`, root()]);
    },
    async take() {
      saved = JSON.stringify(await client.serializeSessionState(session.state));
    },
    async restore() {
      execFileSync('rm', ['-rf', root()]);
      const state = await client.deserializeSessionState(
        JSON.parse(saved) as Record<string, unknown>,
      );
      session = await client.resume(state);
    },
    async [Symbol.asyncDispose]() {
      execFileSync('rm', ['-rf', root()]);
    },
  };
}

const make = kind === 'openai' ? openai : gantry;

async function timed(work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** The highest that resident memory has been, in bytes, by the kernel's own count. */
function peak(): number {
  const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(found?.[1] ?? 0) * 1024;
}

mkdirSync(scratch, { recursive: true });
if (checks === '') {
  await using subject = await make();
  await subject.fill();
  const takeMs = await timed(() => subject.take());
  const takePeak = peak();
  const restoreMs = await timed(() => subject.restore());
  process.stdout.write(`${JSON.stringify({ takeMs, restoreMs, takePeak, peak: peak() })}\n`);
} else {
  const survives: Record<string, string> = {};
  for (const point of fidelityPoints) {
    await using subject = await make();
    if (!(await subject.run(point.make))) throw new Error(`${point.name} cannot be made`);
    try {
      await subject.take();
      await subject.restore();
      survives[point.name] = (await subject.run(point.check)) ? 'yes' : 'lost';
    } catch (error) {
      const [reason = ''] = String(error).split(/[,\n]/);
      survives[point.name] = `fails: ${reason}`;
    }
    await subject.run('chmod -R u+rwX .; rm -rf -- *');
  }
  process.stdout.write(`${JSON.stringify(survives)}\n`);
}
