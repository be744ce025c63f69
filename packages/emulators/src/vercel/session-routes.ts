import type { HttpBindings } from '@hono/node-server';
import type { Context, Hono } from 'hono';
import { isGone } from '../chassis/emulated-sandboxes.ts';
import { dropConnection } from '../chassis/response-tap.ts';
import { ApiError } from './api-error.ts';
import { commandStream } from './command-stream.ts';
import { pageOf } from './list-page.ts';
import type { VercelSandboxes } from './sandboxes.ts';
import { guestPath, makeDirectory, readFile, writeFiles } from './session-files.ts';
import type { VercelSession } from './vercel-sandbox.ts';
import { commandView, sandboxView, sessionView, snapshotView } from './views.ts';
import { readBody } from './wire-bodies.ts';

type App = Hono<{ Bindings: HttpBindings }>;
type SessionContext = Context<{ Bindings: HttpBindings }>;

const base = '/v2/sandboxes/sessions';

/** What is done in a session: commands, files, terminals, and its end. */
export function addSessionRoutes(app: App, sandboxes: VercelSandboxes): void {
  const { context, gateway } = sandboxes.parts;
  const sessionOf = (c: SessionContext): VercelSession =>
    sandboxes.session(c.req.param('id') ?? '');
  /** Does something in a running session's guest; a guest that is gone answers nothing. */
  const within = async (
    c: SessionContext,
    work: (session: ReturnType<typeof sandboxes.runningSession>) => Promise<Response>,
  ): Promise<Response> => {
    const session = sandboxes.runningSession(c.req.param('id') ?? '');
    try {
      return await work(session);
    } catch (error) {
      if (!(await isGone(error, session.real.sandbox))) throw error;
      session.real.interrupt();
      throw new ApiError(502, 'bad_gateway', 'The sandbox cannot be reached.');
    }
  };

  app.get(base, (c) => {
    const found = sandboxes.listSessions(c.req.query('name')).toReversed();
    const { page, pagination } = pageOf(found, ({ id }) => id, c.req.query());
    return c.json({ sessions: page.map(sessionView), pagination });
  });
  app.get(`${base}/:id`, (c) => {
    const session = sessionOf(c);
    return c.json({ session: sessionView(session), routes: gateway.routes(session.sandbox) });
  });

  app.post(`${base}/:id/cmd`, (c) =>
    within(c, async (session) => {
      const request = await readBody(c.req, 'command');
      const { sandbox, real, commands } = session;
      const cwd = request.cwd === undefined ? sandbox.cwd : guestPath(request.cwd, sandbox.cwd);
      const now = context.clock.now();
      const env = sandbox.environment();
      const command = await commands.start(real.sandbox, request, cwd, env, now);
      if (request.wait && request.logs) return commandStream(command, session, true);
      return c.json({ command: commandView(command, session) });
    }),
  );
  app.get(`${base}/:id/cmd`, (c) => {
    const session = sessionOf(c);
    const all = session.commands.list().map((command) => commandView(command, session));
    return c.json({ commands: all });
  });
  app.get(`${base}/:id/cmd/:command`, (c) =>
    within(c, async (session) => {
      const command = session.commands.get(c.req.param('command'));
      if (c.req.query('wait') === 'true') {
        await command.over;
        if (command.exitCode === undefined) {
          throw new ApiError(410, 'sandbox_stopped', 'The sandbox stopped during the command.');
        }
      }
      return c.json({ command: commandView(command, session) });
    }),
  );
  app.get(`${base}/:id/cmd/:command/logs`, (c) =>
    within(c, async (session) => {
      const command = session.commands.get(c.req.param('command'));
      return Promise.resolve(commandStream(command, session, false));
    }),
  );
  app.post(`${base}/:id/cmd/:command/kill`, (c) =>
    within(c, async (session) => {
      const command = session.commands.get(c.req.param('command'));
      const { signal } = await readBody(c.req, 'kill');
      await command.kill(signal);
      return c.json({ command: commandView(command, session) });
    }),
  );

  app.post(`${base}/:id/interactive`, (c) =>
    within(c, async ({ id, interactiveToken: token }) => {
      const url = `${context.url.replace(/^http/, 'ws')}/interactive/${id}`;
      return Promise.resolve(c.json({ url, token }));
    }),
  );

  app.post(`${base}/:id/fs/read`, (c) =>
    within(c, async ({ real, sandbox }) => {
      const { path, cwd = sandbox.cwd } = await readBody(c.req, 'path');
      const drop = (): void => dropConnection(c.env.outgoing);
      return readFile(real.sandbox, guestPath(path, cwd), drop);
    }),
  );
  app.post(`${base}/:id/fs/write`, (c) =>
    within(c, async ({ real, sandbox }) => {
      const cwd = guestPath(c.req.header('x-cwd') ?? sandbox.cwd, sandbox.cwd);
      await writeFiles(real.sandbox, c.env.incoming, cwd);
      return c.json({});
    }),
  );
  app.post(`${base}/:id/fs/mkdir`, (c) =>
    within(c, async ({ real, sandbox }) => {
      const { path, cwd = sandbox.cwd } = await readBody(c.req, 'path');
      await makeDirectory(real.sandbox, guestPath(path, cwd));
      return c.json({});
    }),
  );

  app.post(`${base}/:id/stop`, (c) =>
    within(c, async (session) => {
      const taken = await sandboxes.stop(session);
      return c.json({
        ...{ session: sessionView(session), sandbox: sandboxView(session.sandbox) },
        ...(taken ? { snapshot: snapshotView(taken) } : {}),
      });
    }),
  );
  app.post(`${base}/:id/snapshot`, (c) =>
    within(c, async (session) => {
      const { expiration } = await readBody(c.req, 'snapshot');
      const taken = await sandboxes.snapshot(session, expiration);
      return c.json({ snapshot: snapshotView(taken), session: sessionView(session) });
    }),
  );
  app.post(`${base}/:id/extend-timeout`, async (c) => {
    const session = sessionOf(c);
    const { duration } = await readBody(c.req, 'duration');
    sandboxes.extend(session, duration);
    return c.json({ session: sessionView(session) });
  });
  app.post(`${base}/:id/network-policy`, (c) =>
    within(c, async (session) => {
      await sandboxes.setPolicy(session, await readBody(c.req, 'networkPolicy'));
      return c.json({ session: sessionView(session) });
    }),
  );
}
