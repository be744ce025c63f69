import path from 'node:path';
import type { Sandbox } from '@gantry/core';
import type { Context, Hono } from 'hono';
import type { EmulatorContext } from '../../chassis/emulator.ts';
import { ApiError, unsupported } from '../api-error.ts';
import { readBody } from '../wire-bodies.ts';
import { type VolumeEntry, volumeEntries } from './volume-entry.ts';
import type { Volume, Volumes } from './volumes.ts';

/** What a request about the contents of a volume is about. */
interface Place {
  readonly sandbox: Sandbox;
  /** In the volume, absolute. */
  readonly given: string;
  /** In the sandbox that holds it. */
  readonly inside: string;
}

/** Adds volumes, by the account's key, and their contents, by each volume's own token. */
export function addVolumeRoutes(app: Hono, context: EmulatorContext, volumes: Volumes): void {
  const find = (c: Context): Volume => {
    const id = c.req.param('id') ?? '';
    const found = volumes.get(id);
    if (!found) throw new ApiError(404, `Volume ${id} not found`);
    return found;
  };
  const tell = ({ id: volumeID, name, token }: Volume): object => ({ volumeID, name, token });

  app.post('/volumes', async (c) => {
    const { name } = await readBody(c.req, 'volume');
    const made = volumes.create(name);
    context.conceal(made.token);
    return c.json(tell(made), 201);
  });
  app.get('/volumes', (c) =>
    c.json(volumes.list().map(({ id: volumeID, name }) => ({ volumeID, name }))),
  );
  app.get('/volumes/:id', (c) => c.json(tell(find(c))));
  app.delete('/volumes/:id', async (c) => {
    await volumes.remove(find(c).id);
    return c.body(null, 204);
  });

  const place = async (c: Context): Promise<Place> => {
    const volume = find(c);
    if (c.req.header('authorization') !== `Bearer ${volume.token}`) {
      throw new ApiError(401, 'Invalid volume token');
    }
    const given = path.posix.resolve('/', c.req.query('path') ?? '');
    const sandbox = await volumes.holder(volume);
    return { sandbox, given, inside: volumes.inHolder(volume, given) };
  };
  const one = async ({ sandbox, given, inside }: Place): Promise<VolumeEntry> => {
    const [entry] = await volumeEntries(sandbox, inside, given, [0, 0]);
    if (entry) return entry;
    throw new ApiError(404, `Path '${given}' not found`);
  };
  const isThere = ({ sandbox, inside }: Place): Promise<boolean> => sandbox.files.exists(inside);
  const parentOf = (at: Place): Place => ({
    ...at,
    given: path.posix.dirname(at.given),
    inside: path.posix.dirname(at.inside),
  });

  app.get('/volumecontent/:id/path', async (c) => c.json(await one(await place(c))));
  app.patch('/volumecontent/:id/path', async (c) => {
    const at = await place(c);
    const { mode, uid, gid } = await readBody(c.req, 'volumeMetadata');
    if (uid !== undefined || gid !== undefined) throw unsupported('owners of files in volumes');
    await one(at);
    if (mode !== undefined) await at.sandbox.files.setMode(at.inside, mode);
    return c.json(await one(at));
  });
  app.delete('/volumecontent/:id/path', async (c) => {
    const at = await place(c);
    await one(at);
    if (at.given === '/') throw new ApiError(400, 'the root of a volume cannot be removed');
    await at.sandbox.files.remove(at.inside);
    return c.body(null, 204);
  });
  app.get('/volumecontent/:id/dir', async (c) => {
    const at = await place(c);
    const { type } = await one(at);
    if (type !== 'directory') throw new ApiError(400, `Path '${at.given}' is not a directory`);
    const depth = Math.max(1, Number(c.req.query('depth') ?? 1) || 1);
    return c.json(await volumeEntries(at.sandbox, at.inside, at.given, [1, depth]));
  });
  app.post('/volumecontent/:id/dir', async (c) => {
    const at = await place(c);
    const options = writing(c);
    if (!options.force) {
      await one(parentOf(at));
      if (await isThere(at)) throw new ApiError(409, `Path '${at.given}' already exists`);
    }
    await at.sandbox.files.makeDirectory(at.inside, options);
    return c.json(await one(at), 201);
  });
  app.get('/volumecontent/:id/file', async (c) => {
    const at = await place(c);
    const { type } = await one(at);
    if (type === 'directory') throw new ApiError(400, `Path '${at.given}' is a directory`);
    return c.body(await at.sandbox.files.read(at.inside), 200, {
      'content-type': 'application/octet-stream',
    });
  });
  app.put('/volumecontent/:id/file', async (c) => {
    const at = await place(c);
    const options = writing(c);
    if (!options.force && (await isThere(at))) {
      throw new ApiError(409, `Path '${at.given}' already exists`);
    }
    await at.sandbox.files.write(at.inside, c.req.raw.body ?? '', options);
    return c.json(await one(at), 201);
  });
}

/** What a request says of what it writes. */
function writing(c: Context): { readonly force: boolean; readonly mode?: number } {
  const { force, mode, uid, gid } = c.req.query();
  if (uid !== undefined || gid !== undefined) throw unsupported('owners of files in volumes');
  return { force: force === 'true', ...(mode === undefined ? {} : { mode: Number(mode) }) };
}
