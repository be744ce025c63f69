import type { Call } from '../contract/call.ts';
import type { ExitStatus } from '../contract/exit-status.ts';
import type { SandboxErrorCode } from '../errors/sandbox-error.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { BytePath } from './byte-path.ts';
import { bytePath, pathBytes } from './byte-path.ts';
import { isOddName, readBackRun } from './read-back-script.ts';
import type { WorkspaceTarget } from './workspace-target.ts';

/** What the sandbox says is at one path. */
export interface FoundEntry {
  readonly type: 'directory' | 'symlink' | 'file' | 'other' | 'missing';
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly size: number;
  /** Files that the sandbox's user may read. */
  readonly sha256?: string;
  /** Symbolic links. */
  readonly target?: BytePath;
}

const operation = 'manifest.materialize';

const letters: Readonly<Record<string, FoundEntry['type']>> = {
  d: 'directory',
  l: 'symlink',
  f: 'file',
  u: 'file',
  o: 'other',
  m: 'missing',
};

/**
 * Sets modes that tar did not keep, and asks the sandbox what is at each path of its workspace, in one call. Once one path of a batch is missing, the
 * others of it are reported by type alone. The report is the guest's own word, parsed as such: one
 * that does not fit its form is `data-loss`.
 */
export async function readBack(
  target: WorkspaceTarget,
  wanted: readonly { readonly path: BytePath; readonly mode?: number }[],
  call: Call,
): Promise<ReadonlyMap<BytePath, FoundEntry>> {
  const paths = wanted.map(({ path }) => path);
  const { argv, input } = readBackRun(
    wanted.map((item) => ({ ...item, path: pathBytes(item.path) })),
  );
  const { exit, stdout, stderr } = await target.run(argv, call, input);
  if (exit.code !== 0) {
    const reason = Buffer.from(stderr).toString('utf8').trim().slice(-2000);
    throw new SandboxError(
      failureCode(exit),
      `the workspace cannot be read back (${JSON.stringify(exit)}): ${reason}`,
      { operation, provider: target.provider, details: { exit } },
    );
  }
  return parseReport(bytePath(stdout), paths, target.provider);
}

function failureCode(exit: ExitStatus): SandboxErrorCode {
  if (exit.unknown !== undefined) return 'unavailable';
  return exit.code === 69 || exit.code === 127 ? 'failed-precondition' : 'data-loss';
}

function parseReport(
  report: BytePath,
  paths: readonly BytePath[],
  provider: string,
): ReadonlyMap<BytePath, FoundEntry> {
  const found = new Map<BytePath, FoundEntry>();
  let offset = 0;
  const until = (end: string): string => {
    const index = report.indexOf(end, offset);
    if (index === -1) throw unreadable(provider);
    const text = report.slice(offset, index);
    offset = index + 1;
    return text;
  };
  while (found.size < paths.length) {
    const kinds = until('\n');
    const batch = paths.slice(found.size, found.size + kinds.length);
    if (!/^[dlfuom]+$/.test(kinds) || batch.length !== kinds.length) throw unreadable(provider);
    parseBatch(batch, kinds, until, provider).forEach((entry, path) => found.set(path, entry));
  }
  if (offset !== report.length) throw unreadable(provider);
  return found;
}

function parseBatch(
  batch: readonly BytePath[],
  kinds: string,
  until: (end: string) => string,
  provider: string,
): ReadonlyMap<BytePath, FoundEntry> {
  const typeOf = (index: number): FoundEntry['type'] => letters[kinds[index] ?? ''] ?? 'other';
  if (kinds.includes('m')) {
    return new Map(batch.map((path, index) => [path, { type: typeOf(index), mode: 0, size: 0 }]));
  }
  const statistics = batch.map(() => {
    const match = /^([0-9a-f]{1,8}) (\d{1,15})$/.exec(until('\n'));
    if (match === null) throw unreadable(provider);
    return { mode: Number.parseInt(match[1] ?? '', 16) & 0o7777, size: Number(match[2]) };
  });
  const targets = new Map(
    batch.flatMap((path, index) => (kinds[index] === 'l' ? [[path, until('\0')] as const] : [])),
  );
  const readable = batch.filter((_, index) => kinds[index] === 'f');
  const ordered = [...readable.filter(isOddName), ...readable.filter((path) => !isOddName(path))];
  const digests = new Map(
    ordered.map((path) => {
      const match = /^([0-9a-f]{64}) /.exec(until('\n'));
      if (match === null) throw unreadable(provider);
      return [path, match[1] ?? ''];
    }),
  );
  return new Map(
    batch.map((path, index) => {
      const [sha256, target] = [digests.get(path), targets.get(path)];
      const { mode = 0, size = 0 } = statistics[index] ?? {};
      return [
        path,
        {
          type: typeOf(index),
          mode,
          size,
          ...(sha256 === undefined ? {} : { sha256 }),
          ...(target === undefined ? {} : { target }),
        },
      ];
    }),
  );
}

function unreadable(provider: string): SandboxError {
  return new SandboxError(
    'data-loss',
    'the workspace cannot be read back: its report makes no sense',
    {
      operation,
      provider,
    },
  );
}
