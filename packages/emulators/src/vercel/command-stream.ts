import type { RunningCommand } from './commands.ts';
import { commandView } from './views.ts';
import type { VercelSession } from './vercel-sandbox.ts';

const encoder = new TextEncoder();

/** A command's output as lines of JSON, from its beginning to its end; with `frame`, the command itself before and after. */
export function commandStream(
  command: RunningCommand,
  session: VercelSession,
  frame: boolean,
): Response {
  const lines = linesOf(command, session, frame);
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await lines.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
    },
    async cancel() {
      await lines.return();
    },
  });
  // The SDK compares this header to the letter.
  return new Response(body, { headers: { 'content-type': 'application/x-ndjson' } });
}

async function* linesOf(
  command: RunningCommand,
  session: VercelSession,
  frame: boolean,
): AsyncGenerator<object, void> {
  if (frame) yield { command: { ...commandView(command, session), exitCode: null } };
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  try {
    for await (const { output, bytes } of command.log.follow()) {
      const data = decoders[output].decode(bytes, { stream: true });
      if (data !== '') yield { stream: output, data };
    }
  } catch {
    const message = 'The sandbox stopped while the command was running.';
    yield { stream: 'error', data: { code: 'sandbox_stopped', message } };
    return;
  }
  for (const output of ['stdout', 'stderr'] as const) {
    const data = decoders[output].decode();
    if (data !== '') yield { stream: output, data };
  }
  await command.over;
  if (frame) yield { command: commandView(command, session) };
}
