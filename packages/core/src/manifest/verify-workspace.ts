import type { Call } from '../contract/call.ts';
import type { ReceiptEntry } from '../contract/manifest-types.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { BytePath } from './byte-path.ts';
import { pathBytes, pathText } from './byte-path.ts';
import type { FoundEntry } from './read-back.ts';
import { readBack } from './read-back.ts';
import type { WorkspaceItem } from './workspace-item.ts';
import type { SentDigests } from './workspace-tar.ts';
import type { WorkspaceTarget } from './workspace-target.ts';

/**
 * Reads everything back and compares it with what was sent. The first difference is `data-loss` that names
 * the path and both sides. A file that its mode makes unreadable is compared by mode and size, and
 * has no digest in the receipt.
 */
export async function verifyWorkspace(
  target: WorkspaceTarget,
  tree: readonly WorkspaceItem[],
  sent: SentDigests,
  call: Call,
): Promise<readonly ReceiptEntry[]> {
  const found = await readBack(
    target,
    tree.map((item) =>
      item.type === 'file' || item.type === 'directory' ? item : { path: item.path },
    ),
    call,
  );
  const items = new Map(tree.map((item) => [item.path, item]));
  const isMissing = (item: WorkspaceItem): boolean => found.get(item.path)?.type === 'missing';
  const missing = tree.find(isMissing);
  if (missing !== undefined) throw different(target, missing.path, 'there', 'missing');
  return tree.map((item) => {
    const expected = expectation(item, items, sent);
    const actual = receiptEntry(item.path, found.get(item.path));
    for (const field of ['type', 'mode', 'size', 'sha256', 'target'] as const) {
      const unreadable =
        field === 'sha256' && actual.sha256 === undefined && ownerMayNotRead(expected);
      if (expected[field] !== actual[field] && !unreadable) {
        throw different(
          target,
          item.path,
          `${field} ${expected[field]}`,
          `${field} ${actual[field]}`,
        );
      }
    }
    return actual;
  });
}

function expectation(
  item: WorkspaceItem,
  items: ReadonlyMap<BytePath, WorkspaceItem>,
  sent: SentDigests,
): Partial<ReceiptEntry> {
  if (item.type === 'directory') return { type: 'directory', mode: octal(item.mode), size: 0 };
  if (item.type === 'symlink') {
    return {
      type: 'symlink',
      mode: '0777',
      size: item.target.length,
      target: pathText(item.target),
    };
  }
  if (item.type === 'hardlink') {
    const file = items.get(item.target);
    // A link may name another link of the same file.
    return file === undefined ? {} : expectation(file, items, sent);
  }
  const sha256 = sent.get(item.path);
  const { mode, size } = item;
  return { type: 'file', mode: octal(mode), size, ...(sha256 === undefined ? {} : { sha256 }) };
}

function receiptEntry(path: BytePath, found: FoundEntry | undefined): ReceiptEntry {
  const { type = 'missing', mode = 0, size = 0, sha256, target } = found ?? {};
  if (type === 'other' || type === 'missing') {
    throw new SandboxError(
      'data-loss',
      `${pathText(path)} is no file, directory or symbolic link`,
      {
        operation: 'manifest.materialize',
      },
    );
  }
  const link = type === 'symlink';
  return {
    path: pathText(path),
    type,
    // The size of a directory and the mode of a link depend on the file system and mean nothing.
    mode: link ? '0777' : octal(mode),
    size: type === 'directory' ? 0 : size,
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(target === undefined ? {} : { target: pathText(target) }),
  };
}

function ownerMayNotRead(expected: Partial<ReceiptEntry>): boolean {
  return (Number.parseInt(expected.mode ?? '0', 8) & 0o400) === 0;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function different(
  target: WorkspaceTarget,
  path: BytePath,
  expected: string,
  actual: string,
): SandboxError {
  const name = pathText(path);
  return new SandboxError(
    'data-loss',
    `${name} in the workspace is not what was sent: ${expected} was sent, ${actual} is there`,
    {
      operation: 'manifest.materialize',
      provider: target.provider,
      details: { path: name, expected, actual, bytes: pathBytes(path).toString('hex') },
    },
  );
}
