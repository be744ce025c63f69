import { SandboxError } from '@gantry/core';
import { Hono } from 'hono';
import { moveRequest, type DirectoryAnswer, type FileView } from '../../protocol/sandboxes.ts';
import { foreignBytesPolicy } from '../page-policy.ts';
import { requestBody } from '../request-body.ts';
import type { Sandboxes } from './sandboxes.ts';

/** `/api/sandboxes/:id/files?path=`: a directory with `list=1`, else bytes, which are never shown as a page of this server. */
export function fileRoutes(sandboxes: Sandboxes): Hono {
  return new Hono()
    .get('/:id/files', async (context) => {
      const { files } = await sandboxes.reach(context.req.param('id'));
      const path = pathOf(context.req.query('path'));
      if (context.req.query('list') === '1') {
        const entries = await files.list(path);
        const answer: DirectoryAnswer = { path, entries: entries.map(fileView) };
        return context.json(answer);
      }
      const name = encodeURIComponent(path.split('/').at(-1) ?? 'file');
      const attached = context.req.query('attachment') === '1';
      return context.body(await files.read(path), 200, {
        'content-type': 'application/octet-stream',
        'content-security-policy': foreignBytesPolicy,
        'content-disposition': `${attached ? 'attachment' : 'inline'}; filename*=UTF-8''${name}`,
      });
    })
    .put('/:id/files', async (context) => {
      const { files } = await sandboxes.reach(context.req.param('id'));
      const path = pathOf(context.req.query('path'));
      if (context.req.query('directory') === '1') await files.makeDirectory(path);
      else await files.write(path, context.req.raw.body ?? new Uint8Array());
      return context.json({});
    })
    .post('/:id/files/move', async (context) => {
      const { files } = await sandboxes.reach(context.req.param('id'));
      const { from, to } = await requestBody(context, moveRequest);
      await files.move(from, to);
      return context.json({});
    })
    .delete('/:id/files', async (context) => {
      const { files } = await sandboxes.reach(context.req.param('id'));
      await files.remove(pathOf(context.req.query('path')));
      return context.json({});
    });
}

function pathOf(path: string | undefined): string {
  if (path !== undefined && path !== '') return path;
  throw new SandboxError('invalid-argument', 'the request names no path: add ?path=');
}

function fileView(entry: {
  readonly name: string;
  readonly type: FileView['type'];
  readonly mode: number;
  readonly size: number;
  readonly modifiedMs: number;
  readonly target?: Uint8Array;
}): FileView {
  const { name, type, size, modifiedMs, target } = entry;
  return {
    ...{ name, type, size, modifiedMs, mode: entry.mode.toString(8).padStart(4, '0') },
    ...(target ? { target: new TextDecoder().decode(target) } : {}),
  };
}
