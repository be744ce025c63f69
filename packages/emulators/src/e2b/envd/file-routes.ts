import type { HttpBindings } from '@hono/node-server';
import { ConnectError, Code } from '@connectrpc/connect';
import { Hono } from 'hono';
import type { EmulatorContext } from '../../chassis/emulator.ts';
import { isGone } from '../../chassis/emulated-sandboxes.ts';
import { type GuestEntry, isDirectory, isFile } from '../../chassis/guest-entries.ts';
import { orDropped } from '../../chassis/response-body.ts';
import { dropConnection } from '../../chassis/response-tap.ts';
import { ApiError, errorBody, toApiError, unsupported } from '../api-error.ts';
import type { E2bSandbox } from '../e2b-sandbox.ts';
import { guestEnvironment } from '../guest.ts';
import { readMetrics } from '../metrics.ts';
import { describeEntry } from './entry-script.ts';
import { guestPath } from './guest-path.ts';
import { asUser, userOf } from './guest-user.ts';

import { writeUpload } from './uploads.ts';

/** What comes with a request to envd's plain HTTP part. */
export interface FileBindings extends HttpBindings {
  readonly emulated: E2bSandbox;
}

const metadataHeader = 'x-metadata-';

/** envd over plain HTTP: files in and out, and what it says of itself. */
export function fileRoutes({ clock }: EmulatorContext): Hono<{ Bindings: FileBindings }> {
  const app = new Hono<{ Bindings: FileBindings }>();
  app.onError(async (error, c) => {
    const gone = await isGone(error, c.env.emulated.sandbox);
    if (gone) c.env.emulated.interrupt();
    const { status, message } = gone
      ? new ApiError(502, 'The sandbox was not found')
      : fromEnvd(error);
    const headers = { 'content-type': 'application/json' };
    return new Response(errorBody(status, message), { status, headers });
  });

  app.notFound((c) => {
    const { status, message } = unsupported(`${c.req.method} ${c.req.path} is not emulated`);
    return c.newResponse(errorBody(status, message), 501, { 'content-type': 'application/json' });
  });

  app.get('/health', (c) => c.body(null, 204));
  app.get('/envs', (c) => {
    const { id, details } = c.env.emulated;
    return c.json(guestEnvironment(id, details.request));
  });
  app.get('/metrics', async (c) => {
    const [reading] = await readMetrics(clock, c.env.emulated, 0, Infinity);
    return c.json(reading ?? {});
  });

  app.get('/files', async (c) => {
    const { sandbox } = c.env.emulated;
    const { path: given = '', username } = c.req.query();
    asUser(sandbox, username || userOf(c.req.header('authorization')));
    const path = guestPath(given);
    const entry = await describeEntry(sandbox, path);
    refuseOther(entry, path);
    const { targetSize: size } = entry;
    const range = rangeOf(c.req.header('range'), size);
    const headers = new Headers({
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
    });
    const metadata = c.env.emulated.details.fileMetadata.get(path) ?? {};
    for (const [name, value] of Object.entries(metadata)) headers.set(metadataHeader + name, value);
    if (range) {
      headers.set(
        'content-range',
        `bytes ${range.offset}-${range.offset + range.length - 1}/${size}`,
      );
    }
    // Never more than was announced, though the file may have grown meanwhile. The kernel's own files say 0 of any length.
    const part = range ?? (size === 0 ? {} : { offset: 0, length: size });
    const reader = (await sandbox.files.read(path, part)).getReader();
    const first = await reader.read();
    // One that has become empty meanwhile is answered as that.
    const announced = first.done ? 0 : (range?.length ?? size);
    if (announced > 0 || first.done) headers.set('content-length', String(announced));
    const drop = (): void => dropConnection(c.env.outgoing);
    const body = first.done ? null : orDropped(first.value, reader, drop, announced);
    return c.newResponse(body, { status: range ? 206 : 200, headers });
  });

  app.post('/files', async (c) => {
    const { emulated, incoming } = c.env;
    const { path, username } = c.req.query();
    asUser(emulated.sandbox, username || userOf(c.req.header('authorization')));
    const metadata = Object.fromEntries(
      Object.entries(c.req.header()).flatMap(([name, value]) =>
        name.startsWith(metadataHeader) ? [[name.slice(metadataHeader.length), value]] : [],
      ),
    );
    const written = await writeUpload(emulated.sandbox, incoming, path);
    const known = Object.keys(metadata).length > 0 ? { metadata } : {};
    for (const file of written) {
      if (known.metadata) emulated.details.fileMetadata.set(file, metadata);
      else emulated.details.fileMetadata.delete(file);
    }
    return c.json(
      written.map((file) => ({
        ...{ path: file, name: file.slice(file.lastIndexOf('/') + 1), type: 'file' },
        ...known,
      })),
    );
  });
  return app;
}

function refuseOther(entry: GuestEntry, path: string): void {
  if (isDirectory(entry)) throw new ApiError(400, `path '${path}' is a directory`);
  if (!isFile(entry)) throw new ApiError(400, `path '${path}' is not a regular file`);
}

/** A single range of bytes (RFC 9110, 14.1.2); several are answered with the whole. */
function rangeOf(
  header: string | undefined,
  size: number,
): { offset: number; length: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const [, first = '', last = ''] = match;
  const offset = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (offset > end) throw new ApiError(416, `the file has ${size} bytes`);
  return { offset, length: end - offset + 1 };
}

function fromEnvd(error: unknown): ApiError {
  if (!(error instanceof ConnectError)) return toApiError(error);
  const statuses: Partial<Record<Code, number>> = {
    [Code.NotFound]: 404,
    [Code.Unauthenticated]: 401,
    [Code.InvalidArgument]: 400,
    [Code.FailedPrecondition]: 400,
  };
  return new ApiError(statuses[error.code] ?? 500, error.rawMessage);
}
