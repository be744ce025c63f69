import { randomUUID } from 'node:crypto';
import { createReadStream, mkdirSync, openSync, readSync, closeSync, renameSync } from 'node:fs';
import path from 'node:path';
import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import {
  type Call,
  type DriverHandle,
  type SandboxDriver,
  SandboxError,
} from '@gantry/core/driver';
import { hostProcess } from '@gantry/core/node';
import { isErrno } from './errors.ts';

const unpackWithinMs = 30 * 60 * 1000;

// What no root file system is used for: the sandbox makes its own devices, and owners are the sandbox's.
const tarCommand: [string, ...string[]] = [
  ...(['tar', '-x', '-f', '-', '--no-same-owner', '--no-same-permissions'] as const),
  ...['--exclude=dev/*', '--exclude=./dev/*'],
];

/**
 * Unpacks a tar file (plain, gzip or zstd) inside a sandbox of its own, so that a hostile one can
 * write nowhere else, and moves the result to `destination`, which must not exist.
 */
export async function unpackRootfs<Handle extends DriverHandle>(
  driver: SandboxDriver<Handle>,
  workspaceOf: (handle: Handle) => string,
  file: string,
  destination: string,
  call: Call,
): Promise<void> {
  const handle = await driver.create(
    {
      id: `rootfs-${randomUUID()}`,
      ...{ labels: {}, env: {}, network: { mode: 'none' }, maxLifetimeMs: unpackWithinMs },
    },
    call,
  );
  try {
    await extract(driver, handle, file, call);
    const workspace = workspaceOf(handle);
    // The uid that unpacked it goes to other sandboxes later; the files are not to be theirs.
    if (process.getuid?.() === 0)
      await hostProcess.runProgram(['chown', '-hR', '0:0', '--', workspace]);
    mkdirSync(path.dirname(destination), { recursive: true, mode: 0o700 });
    try {
      renameSync(workspace, destination);
    } catch (error) {
      // Another process has unpacked the same contents meanwhile.
      if (!isErrno(error, 'ENOTEMPTY') && !isErrno(error, 'EEXIST')) throw error;
    }
  } finally {
    await driver.release(handle);
    await driver.destroy(handle.ref, { signal: new AbortController().signal });
  }
}

async function extract<Handle extends DriverHandle>(
  driver: SandboxDriver<Handle>,
  handle: Handle,
  file: string,
  call: Call,
): Promise<void> {
  const tar = await driver.spawn(
    handle,
    { argv: tarCommand, cwd: '/workspace', env: {}, stdin: 'stream' },
    call,
  );
  const bytes = Readable.toWeb(openTar(file));
  // tar may end before its input does; its own exit and words say why.
  const fed =
    tar.stdin === undefined ? undefined : bytes.pipeTo(tar.stdin, call).catch(() => undefined);
  const [exit, words] = await Promise.all([
    tar.exit,
    new Response(tar.stderr).text(),
    new Response(tar.stdout).arrayBuffer(),
    fed,
  ]);
  call.signal.throwIfAborted();
  if (exit.code === 0) return;
  throw new SandboxError(
    'failed-precondition',
    `the rootfs ${file} could not be unpacked: ${words.trim().slice(0, 500) || JSON.stringify(exit)}`,
  );
}

/** The plain tar in a file, by the first bytes of which compression they are (RFC 1952, RFC 8878). */
function openTar(file: string): Readable {
  const first = Buffer.alloc(4);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, first, 0, 4, 0);
  } finally {
    closeSync(descriptor);
  }
  const raw = createReadStream(file);
  if (first.readUInt16BE(0) === 0x1f8b) return decompress(raw, createGunzip());
  if (first.readUInt32LE(0) === 0xfd2fb528) return decompress(raw, createZstdDecompress());
  return raw;
}

/** The decompressed bytes; what goes wrong with the source goes wrong with them. */
function decompress(raw: Readable, step: Transform): Readable {
  return pipeline(raw, step, (error) => {
    if (error) step.destroy(error);
  });
}
