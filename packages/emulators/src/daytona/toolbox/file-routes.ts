import type { Readable } from 'node:stream';
import type { Hono } from 'hono';
import {
  describeDirectory,
  describeEntry,
  goPermissions,
  type GuestEntry,
  isDirectory,
} from '../../chassis/guest-entries.ts';
import { orDropped } from '../../chassis/response-body.ts';
import { dropConnection } from '../../chassis/response-tap.ts';
import { writeForm } from '../../chassis/write-form.ts';
import { ApiError } from '../api-error.ts';
import { readBody } from '../wire-bodies.ts';
import { downloadParts, downloadType, openFile } from './downloads.ts';
import { fileExits, runFileScript, withFile } from './file-error.ts';
import { addSearchRoutes } from './search-routes.ts';
import { guestOf, guestPath, type ToolboxBindings, type ToolboxContext } from './toolbox-call.ts';

/** Files in and out, with the rights of the sandbox's user. */
export function addFileRoutes(app: Hono<{ Bindings: ToolboxBindings }>): void {
  app.get('/files', async (c) => {
    const path = pathOf(c);
    const depth = Number(c.req.query('depth') ?? 1);
    if (!Number.isInteger(depth) || depth < 1) throw new ApiError(400, 'depth must be at least 1');
    const entries = await withFile(path, () => describeDirectory(guestOf(c), path, depth));
    return c.json(entries.map((entry) => fileInfo(entry, depth > 1)));
  });
  app.delete('/files', async (c) => {
    const script = `[ -e "$1" ] || [ -L "$1" ] || exit ${fileExits.missing}
[ ! -d "$1" ] || [ -L "$1" ] || [ "$2" = true ] || exit ${fileExits.directory}
rm -rf -- "$1"`;
    await runFileScript(guestOf(c), script, [pathOf(c), c.req.query('recursive') ?? 'false']);
    return c.body(null, 204);
  });
  app.get('/files/info', async (c) => {
    const path = pathOf(c);
    return c.json(fileInfo(await withFile(path, () => describeEntry(guestOf(c), path)), false));
  });
  app.post('/files/folder', async (c) => {
    const mode = c.req.query('mode') || '755';
    if (!/^[0-7]{3,4}$/.test(mode)) throw new ApiError(400, `mode ${mode} is not octal`);
    await runFileScript(guestOf(c), 'mkdir -p -- "$1" && chmod "$2" -- "$1"', [pathOf(c), mode]);
    return c.body(null, 201);
  });
  app.post('/files/move', async (c) => {
    const { source, destination = '' } = c.req.query();
    const script = `[ -e "$1" ] || [ -L "$1" ] || exit ${fileExits.missing}
[ ! -e "$2" ] && [ ! -L "$2" ] || exit ${fileExits.exists}
[ -d "$(dirname -- "$2")" ] || exit ${fileExits.missing}
mv -T -- "$1" "$2"`;
    await runFileScript(guestOf(c), script, [guestPath(source), guestPath(destination)]);
    return c.body(null, 200);
  });
  app.post('/files/permissions', async (c) => {
    const { owner = '', group = '', mode = '' } = c.req.query();
    const script = `[ -e "$1" ] || exit ${fileExits.missing}
[ -z "$2$3" ] || chown -- "$2\${3:+:$3}" "$1" || exit 1
[ -z "$4" ] || chmod -- "$4" "$1"`;
    await runFileScript(guestOf(c), script, [pathOf(c), owner, group, mode]);
    return c.body(null, 200);
  });
  app.post('/files/bulk-upload', async (c) => {
    await upload(c, (field, name, fields) => {
      const index = /^files\[(\d+)\]\.file$/.exec(field)?.[1];
      return guestPath((index && fields.get(`files[${index}].path`)) || name);
    });
    return c.body(null, 200);
  });
  app.post('/files/bulk-download', async (c) => {
    const { paths } = await readBody(c.req, 'paths');
    const reader = ReadableStream.from(downloadParts(guestOf(c), paths)).getReader();
    const first = await reader.read();
    const body = orDropped(first.value ?? new Uint8Array(), reader, () =>
      dropConnection(c.env.outgoing),
    );
    return c.newResponse(body, { status: 200, headers: { 'content-type': downloadType } });
  });
  app.get('/files/download', async (c) => {
    const { contents } = await openFile(guestOf(c), c.req.query('path') ?? '');
    const reader = contents.getReader();
    const first = await reader.read();
    const body = first.done
      ? null
      : orDropped(first.value, reader, () => dropConnection(c.env.outgoing));
    return c.newResponse(body, {
      status: 200,
      headers: { 'content-type': 'application/octet-stream' },
    });
  });
  const uploadOne = async (c: ToolboxContext): Promise<Response> => {
    const path = pathOf(c);
    const type = c.req.header('content-type') ?? '';
    if (type.startsWith('multipart/form-data')) await upload(c, () => path);
    else await withFile(path, () => guestOf(c).files.write(path, c.env.incoming));
    return c.json({ path, name: path.slice(path.lastIndexOf('/') + 1), type: 'file' });
  };
  app.post('/files/upload', uploadOne);
  app.post('/files/upload-v2', uploadOne);
  addSearchRoutes(app);
}

async function upload(c: ToolboxContext, place: Parameters<typeof writeForm>[3]): Promise<void> {
  const type = c.req.header('content-type') ?? '';
  if (!type.startsWith('multipart/form-data')) throw new ApiError(400, 'a form is expected');
  const source: Readable = c.env.incoming;
  const written = await withFile('the upload', () => writeForm(guestOf(c), source, type, place));
  if (written.length === 0) throw new ApiError(400, 'no files were uploaded');
}

function pathOf(c: ToolboxContext): string {
  return guestPath(c.req.query('path'));
}

/** An entry as the daemon tells it: of a link, what it leads to. */
function fileInfo(entry: GuestEntry, withPath: boolean): object {
  const { path, bits, targetBits = bits, targetSize: size, owner, group } = entry;
  return {
    name: path.slice(path.lastIndexOf('/') + 1),
    ...(withPath ? { path } : {}),
    ...{ size, owner, group, isDir: isDirectory(entry) },
    mode: goPermissions(targetBits),
    permissions: (targetBits & 0o7777).toString(8).padStart(4, '0'),
    modTime: entry.modified.toString(),
    modifiedAt: entry.modified.toISOString(),
  };
}
