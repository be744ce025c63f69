import { z } from 'zod';
import { defineTool } from './define-tool.ts';
import type { ToolsetLimits } from './limits.ts';
import type { ShellSession, SessionEnd } from './shell-session.ts';
import type { ShellSessions } from './shell-sessions.ts';
import { estimateTokens, shorten } from './shorten.ts';
import type { JsonValue, Tool, ToolResult } from './tool.ts';
import { ToolFailure } from './tool-failure.ts';
import type { WorkspacePaths } from './workspace-paths.ts';

const defaultYieldMs = 10_000;

const description = `Runs a command in a shell in the sandbox. The working directory and exported variables carry over from one command to the next. A command that does not end within yield_ms goes on in the background, and the answer names its session: call again with that session to wait on, with input to type into it, or with kill. Long output is shown by its start and its end.`;

const input = z.object({
  command: z.string().min(1).optional().describe('The shell line to run.'),
  cwd: z
    .string()
    .optional()
    .describe('Runs this command there, and leaves the directory of the next as it was.'),
  interactive: z
    .boolean()
    .optional()
    .describe(
      'Keeps the input open for later calls with input. Otherwise the command reads end of file.',
    ),
  session: z
    .string()
    .optional()
    .describe('Goes on with a command that still runs, instead of starting one.'),
  input: z.string().optional().describe('With session: text to type, with its newline.'),
  end_input: z
    .boolean()
    .optional()
    .describe('With session: closes the input after that, as Ctrl-D does.'),
  kill: z.boolean().optional().describe('With session: kills the command.'),
  yield_ms: z
    .int()
    .min(0)
    .max(600_000)
    .optional()
    .describe(`Milliseconds to wait for the end. Default ${defaultYieldMs}.`),
  timeout_ms: z
    .int()
    .min(1)
    .optional()
    .describe('With command: kills it after so many milliseconds in all.'),
  max_output_tokens: z.int().min(1).optional().describe('How much output to show.'),
});

/** The tool that runs commands. */
export function shellTool(
  sessions: ShellSessions,
  paths: WorkspacePaths,
  limits: ToolsetLimits,
): Tool {
  return defineTool({
    name: 'shell',
    description,
    input,
    effects: 'workspace',
    async execute(call, { signal }) {
      const { command, session: id, yield_ms: yieldMs = defaultYieldMs } = call;
      if ((command === undefined) === (id === undefined)) {
        throw new ToolFailure('Give either command, to start one, or session, to go on with one.');
      }
      const tokens = Math.min(call.max_output_tokens ?? limits.outputTokens, limits.outputTokens);
      if (command !== undefined) {
        const session = await sessions.start(command, {
          cwd: call.cwd === undefined ? undefined : paths.absolute(call.cwd),
          interactive: call.interactive,
          timeoutMs: call.timeout_ms,
        });
        await session.wait(yieldMs, signal);
        return answer(sessions, session, tokens);
      }
      const session = sessions.get(id ?? '');
      if (call.kill === true) await session.kill();
      else if (call.input !== undefined || call.end_input === true) {
        await session.write(call.input ?? '', call.end_input === true);
      }
      await session.wait(yieldMs, signal);
      return answer(sessions, session, tokens);
    },
  });
}

/** What a command wrote and how it stands. One that has ended is forgotten. */
function answer(
  sessions: ShellSessions,
  session: ShellSession,
  tokens: number,
): Omit<ToolResult, 'isError'> {
  const { end } = session;
  if (end) sessions.forget(session);
  const taken = session.take();
  // What is needed for the complaints, half at the most, is not there for the output.
  const errors = shorten(taken.stderr, Math.ceil(tokens / 2));
  const output = shorten(taken.stdout, Math.max(tokens - estimateTokens(errors), 1));
  const status = end ? statusOf(end) : `still running as session ${session.id}`;
  const parts = [
    output.trimEnd(),
    ...(errors.trim() === '' ? [] : [`[stderr]\n${errors.trimEnd()}`]),
    `[${status}]`,
  ];
  const details: Record<string, JsonValue> = {
    stdout: output,
    stderr: errors,
    ...(end ? endDetails(end) : { session: session.id }),
  };
  const text = parts.filter((part) => part !== '').join('\n');
  return { content: [{ type: 'text', text }], details };
}

function statusOf(end: SessionEnd): string {
  if (end.how === 'timeout') return 'killed: it ran into its time-out';
  const { code, signal, unknown } = end.status;
  if (code !== undefined) return `exit code ${code}`;
  return signal === undefined ? `ended, it is not known how: ${unknown}` : `killed by ${signal}`;
}

function endDetails(end: SessionEnd): Record<string, JsonValue> {
  return end.how === 'timeout' ? { timedOut: true } : { exit: { ...end.status } };
}
