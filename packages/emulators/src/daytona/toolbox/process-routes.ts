import type { Hono } from 'hono';
import { SandboxError } from '@gantry/core';
import { ApiError, unsupported } from '../api-error.ts';
import { readBody } from '../wire-bodies.ts';
import { logText } from './marked-log.ts';
import { guestOf, guestPath, type ToolboxBindings, type ToolboxContext } from './toolbox-call.ts';
import type { SessionCommand, SessionShell } from './session-shell.ts';

const interpreters: Readonly<Record<string, readonly [string, ...string[]]>> = {
  python: ['python3', '-'],
  javascript: ['node', '-'],
};
/** Output that one answer can hold. */
const mostOutput = 256 * 1024 * 1024;

/** Commands that run to their end, and sessions. */
export function addProcessRoutes(app: Hono<{ Bindings: ToolboxBindings }>): void {
  app.post('/process/execute', async (c) => {
    const { command, cwd, envs, timeout = 0 } = await readBody(c.req, 'execute');
    // As the vendor does: the shell reads the command as its input, and both outputs are one.
    const shell = ['/bin/sh', '-c', 'exec /bin/bash 2>&1'] as const;
    return c.json(await run(c, shell, command, { cwd, envs, timeout }));
  });
  app.post('/process/code-run', async (c) => {
    const { code, language, argv = [], envs, timeout = 0 } = await readBody(c.req, 'codeRun');
    const interpreter = interpreters[language];
    if (!interpreter) throw unsupported(`code in ${language} is not run here`);
    const line = ['/bin/sh', '-c', 'exec "$@" 2>&1', 'sh', ...interpreter, ...argv] as const;
    return c.json(await run(c, line, code, { cwd: undefined, envs, timeout }));
  });

  app.post('/process/session', async (c) => {
    const { sessionId } = await readBody(c.req, 'newSession');
    const { sandbox } = c.env;
    await sandbox.sessions.create(sessionId, guestOf(c), guestPath(''), sandbox.environment());
    return c.body(null, 201);
  });
  app.get('/process/session', async (c) => {
    const sessions = await c.env.sandbox.sessions.list();
    return c.json(sessions.map(([id, shell]) => sessionView(id, shell)));
  });
  app.get('/process/session/:id', async (c) => {
    const id = c.req.param('id');
    return c.json(sessionView(id, await c.env.sandbox.sessions.get(id)));
  });
  app.delete('/process/session/:id', async (c) => {
    await c.env.sandbox.sessions.remove(c.req.param('id'));
    return c.body(null, 204);
  });
  app.post('/process/session/:id/exec', async (c) => {
    const { command, runAsync = false, async = false } = await readBody(c.req, 'sessionCommand');
    const shell = await c.env.sandbox.sessions.get(c.req.param('id'));
    const started = await shell.run(command);
    if (runAsync || async) return c.json({ cmdId: started.id }, 202);
    await started.over;
    if (started.exitCode === undefined) throw new ApiError(502, 'the sandbox went away');
    return c.json({ cmdId: started.id, exitCode: started.exitCode, ...logText(started.log) });
  });
  app.get('/process/session/:id/command/:command', async (c) =>
    c.json(commandView(await commandOf(c))),
  );
  app.get('/process/session/:id/command/:command/logs', async (c) =>
    c.json(logText((await commandOf(c)).log)),
  );
  app.post('/process/session/:id/command/:command/input', async (c) => {
    const { data } = await readBody(c.req, 'input');
    const { id: session, command } = c.req.param();
    await commandOf(c);
    await (await c.env.sandbox.sessions.get(session)).feed(command, data);
    return c.body(null, 204);
  });

  app.get('/process/pty', (c) => c.json({ sessions: c.env.sandbox.terminals.list() }));
  app.get('/process/pty/:id', (c) => c.json(c.env.sandbox.terminals.info(c.req.param('id'))));
  app.delete('/process/pty/:id', async (c) => {
    await c.env.sandbox.terminals.kill(c.req.param('id'));
    return c.json({ message: 'PTY session deleted' });
  });
  app.post('/process/pty/:id/resize', async (c) => {
    const { cols: columns, rows } = await readBody(c.req, 'size');
    return c.json(await c.env.sandbox.terminals.resize(c.req.param('id'), { columns, rows }));
  });
}

function commandOf(c: ToolboxContext): Promise<SessionCommand> {
  const { id = '', command = '' } = c.req.param();
  return c.env.sandbox.sessions.command(id, command);
}

function sessionView(sessionId: string, shell: SessionShell): object {
  return { sessionId, commands: shell.commands.map(commandView) };
}

function commandView({ id, command, exitCode }: SessionCommand): object {
  return { id, command, ...(exitCode === undefined ? {} : { exitCode }) };
}

interface RunOptions {
  readonly cwd: string | undefined;
  readonly envs: Readonly<Record<string, string>> | undefined;
  /** Seconds; 0 is without end. */
  readonly timeout: number;
}

async function run(
  c: ToolboxContext,
  command: readonly [string, ...string[]],
  stdin: string,
  { cwd, envs, timeout }: RunOptions,
): Promise<object> {
  try {
    const { exit, stdout } = await guestOf(c).exec(command, {
      ...{ stdin, cwd: guestPath(cwd), maxOutputBytes: mostOutput },
      env: { ...c.env.sandbox.environment(), ...envs },
      ...(timeout > 0 ? { timeoutMs: timeout * 1000 } : {}),
    });
    if (exit.unknown !== undefined) throw new ApiError(502, `how it ended: ${exit.unknown}`);
    return { exitCode: exit.code ?? -1, result: stdout.text };
  } catch (error) {
    if (!SandboxError.is(error)) throw error;
    if (error.code === 'deadline-exceeded') {
      const message = 'command execution timeout';
      throw new ApiError(408, message, 'PROCESS_EXECUTION_TIMEOUT');
    }
    if (error.details['reason'] !== 'cwd') throw error;
    return { exitCode: -1, result: `chdir ${guestPath(cwd)}: no such file or directory` };
  }
}
