import { pipeline } from 'node:stream/promises';
import { PassThrough, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Sandbox } from '@gantry/core';
import { SandboxError } from '@gantry/core';
import { orDropped } from '../chassis/response-body.ts';
import { ApiError, badRequest, notFound } from './api-error.ts';

/** An absolute path of a guest's, from one that a client gave. */
export function guestPath(path: string, cwd: string): string {
  return path.startsWith('/') ? path : `${cwd}/${path}`;
}

/** A file's bytes as an answer; one that breaks off ends with its connection. */
export async function readFile(guest: Sandbox, path: string, drop: () => void): Promise<Response> {
  let reader: ReadableStreamDefaultReader<Uint8Array>;
  try {
    reader = (await guest.files.read(path)).getReader();
  } catch (error) {
    if (!SandboxError.is(error)) throw error;
    if (error.details['path'] !== undefined && error.code === 'not-found') throw notFound(path);
    throw error;
  }
  const first = await reader.read();
  const body = first.done ? new Uint8Array() : orDropped(first.value, reader, drop);
  return new Response(body, { headers: { 'content-type': 'application/octet-stream' } });
}

/** Unpacks an upload, a zipped tar, below a directory. */
export async function writeFiles(guest: Sandbox, upload: Readable, cwd: string): Promise<void> {
  const plain = new PassThrough();
  const unzipping = pipeline(upload, createGunzip(), plain);
  unzipping.catch(() => undefined); // Told below.
  const command = ['tar', '-xf', '-', '--no-same-owner', '-C', cwd] as const;
  const result = await guest.exec(command, { stdin: plain, env: { LC_ALL: 'C' } });
  await unzipping.catch((error: unknown) => {
    throw badRequest(`the upload is broken: ${String(error)}`);
  });
  if (result.ok) return;
  const said = result.stderr.text.trim();
  if (said.includes('No space left')) throw new ApiError(507, 'no_space', said);
  throw badRequest(said);
}

/** Makes one directory, whose parent is there. */
export async function makeDirectory(guest: Sandbox, path: string): Promise<void> {
  const result = await guest.exec(['mkdir', '--', path], { env: { LC_ALL: 'C' } });
  if (!result.ok) throw badRequest(result.stderr.text.trim());
}
