import { SandboxError, type Files, type Sandbox, type SandboxPath } from '@gantry/core';
import type { Mutant } from './mutant.ts';
import { reshapeProvider } from './reshape-provider.ts';

/** A mutant of the file operations. */
function files(
  name: string,
  breaks: string,
  kills: readonly string[],
  change: (files: Files, sandbox: Sandbox) => Partial<Files>,
): Mutant {
  return {
    name,
    breaks,
    kills,
    weaken: (provider) => reshapeProvider(provider, { files: change }),
  };
}

const asText = (path: SandboxPath): string =>
  typeof path === 'string' ? path : new TextDecoder().decode(path);

/** A result, or what stands for it when the work is refused. */
async function orElse<Result>(
  work: Promise<Result>,
  instead: (error: SandboxError) => Result,
): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (SandboxError.is(error)) return instead(error);
    throw error;
  }
}

export const fileMutants: readonly Mutant[] = [
  files('names-trimmed', 'trims names', ['core/files-any-name'], (original) => ({
    write: (path, contents, options) =>
      original.write(typeof path === 'string' ? path.trim() : path, contents, options),
  })),
  files('names-as-text', 'takes names for UTF-8', ['core/files-byte-name'], (original) => ({
    write: (path, contents, options) => original.write(asText(path), contents, options),
    readText: (path, options) => original.readText(asText(path), options),
    stat: (path, options) => original.stat(asText(path), options),
  })),
  files(
    'contents-as-text',
    'decodes files as UTF-8',
    ['core/files-any-bytes', 'core/files-range', 'core/manifest-exact'],
    (original) => ({
      readBytes: async (path, options) =>
        new TextEncoder().encode(new TextDecoder().decode(await original.readBytes(path, options))),
    }),
  ),
  files(
    'missing-is-empty',
    'reads what is not there as an empty file',
    ['faults/read-truncated', 'core/files-not-found'],
    (original) => ({
      readBytes: (path, options) =>
        orElse(original.readBytes(path, options), () => new Uint8Array()),
    }),
  ),
  files(
    'failure-is-absence',
    'answers false when it cannot know',
    ['core/files-no-answer'],
    (original) => ({
      exists: (path, options) => orElse(original.exists(path, options), () => false),
    }),
  ),
  files(
    'permission-is-absence',
    'calls a path that may not be looked at missing',
    ['core/files-permission'],
    (original) => ({
      exists: (path, options) => orElse(original.exists(path, options), () => false),
      readText: (path, options) =>
        orElse(original.readText(path, options), ({ message }) => {
          throw new SandboxError('not-found', message);
        }),
    }),
  ),
  files(
    'empty-path-is-fine',
    'takes an empty path for an empty file',
    ['core/files-path'],
    (original) => ({
      readBytes: async (path, options) =>
        path.length === 0 ? new Uint8Array() : original.readBytes(path, options),
    }),
  ),
  files(
    'write-in-place',
    'keeps what arrived when the source fails',
    ['core/files-write-atomic'],
    (original) => ({
      async write(path, contents, options) {
        if (typeof contents === 'string' || contents instanceof Uint8Array)
          return original.write(path, contents, options);
        const kept: Uint8Array[] = [];
        try {
          for await (const chunk of contents)
            kept.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
        } catch {
          // The defect: what has arrived is written all the same.
        }
        return original.write(path, Buffer.concat(kept), options);
      },
    }),
  ),
  files(
    'mode-lost',
    'loses the exec bit',
    ['core/files-write-mode', 'core/exec-argv-program'],
    (original) => ({
      write: (path, contents, options) =>
        original.write(path, contents, { ...options, mode: 0o644 }),
    }),
  ),
  files(
    'read-anything',
    'reads a FIFO, and hangs',
    ['core/files-read-regular'],
    (_original, sandbox) => ({
      async readBytes(path) {
        const { stdout } = await sandbox.exec(['head', '-c', '1000000', '--', asText(path)], {
          timeoutMs: 8_000,
        });
        return stdout.bytes;
      },
    }),
  ),
  files('range-off-by-one', 'begins one byte late', ['core/files-range'], (original) => ({
    readBytes: (path, { offset, ...options } = {}) =>
      original.readBytes(path, { ...options, ...(offset ? { offset: offset + 1 } : {}) }),
  })),
  files(
    'stat-follows',
    'describes what a link points to',
    ['core/files-stat-lstat', 'core/files-symlink'],
    (original) => ({
      async stat(path, options) {
        const { target: _hidden, ...stat } = await original.stat(path, options);
        return { ...stat, type: stat.type === 'symlink' ? 'file' : stat.type };
      },
    }),
  ),
  files('stat-invents-time', 'says now for every time', ['core/files-stat-lstat'], (original) => ({
    stat: async (path, options) => ({
      ...(await original.stat(path, options)),
      modifiedMs: Date.now(),
    }),
  })),
  files('hidden-left-out', 'leaves hidden entries out', ['core/files-list'], (original) => ({
    list: async (path, options) =>
      (await original.list(path, options)).filter(({ name }) => !name.startsWith('.')),
  })),
  files(
    'first-page-only',
    'lists the first hundred entries',
    ['core/files-list-many'],
    (original) => ({
      list: async (path, options) => (await original.list(path, options)).slice(0, 100),
    }),
  ),
  files(
    'move-into',
    'moves into a directory that is there, as mv does',
    ['core/files-move'],
    (_original, sandbox) => ({
      async move(from, to) {
        await sandbox.exec(['mv', '--', asText(from), asText(to)]);
      },
    }),
  ),
  files(
    'remove-follows',
    'follows links when it removes',
    ['core/files-remove'],
    (_original, sandbox) => ({
      async remove(path) {
        await sandbox.exec([
          'sh',
          '-c',
          'find -L "$1" -delete 2>/dev/null; rm -rf -- "$1"',
          'sh',
          asText(path),
        ]);
      },
    }),
  ),
  files(
    'workspace-removable',
    'says yes to the removal of the workspace',
    ['core/files-remove'],
    (original) => ({
      remove: (path, options) => orElse(original.remove(path, options), () => undefined),
    }),
  ),
  files(
    'directory-over-file',
    'says nothing when a file is in the way',
    ['core/files-make-directory'],
    (original) => ({
      makeDirectory: (path, options) =>
        orElse(original.makeDirectory(path, options), () => undefined),
    }),
  ),
  files(
    'link-target-tidied',
    'tidies the targets of links',
    ['core/files-symlink', 'core/files-stat-lstat'],
    (original) => ({
      symlink: (target, path, options) =>
        original.symlink(
          asText(target).trim().replaceAll('\n', ' ').replace(/^-/, './-'),
          path,
          options,
        ),
    }),
  ),
  files('set-mode-ignored', 'does not set modes', ['core/files-set-mode'], () => ({
    setMode: async () => undefined,
  })),
  files(
    'link-is-its-target',
    'returns a link’s target as its contents',
    ['core/files-as-guest'],
    (original) => ({
      async readText(path, options) {
        const { target } = await original.stat(path, options);
        return target ? new TextDecoder().decode(target) : original.readText(path, options);
      },
    }),
  ),
  {
    name: 'restricted-is-everything',
    breaks: 'hands tools the whole sandbox',
    kills: ['core/files-restricted'],
    weaken: (provider) =>
      reshapeProvider(provider, { sandbox: (sandbox) => ({ restricted: () => sandbox }) }),
  },
];
