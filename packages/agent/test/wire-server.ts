import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** What was asked over the wire. */
export interface WireRequest {
  readonly path: string;
  readonly body: unknown;
}

/** What each API answers first, a call of a tool, and then. */
/** What is answered, by the path that is asked. */
export type WireScript = Readonly<Record<string, readonly unknown[]>>;

const answers: WireScript = {
  '/v1/chat/completions': [
    chatAnswer({
      tool_calls: [
        {
          id: 'c1',
          type: 'function',
          function: { name: 'write_file', arguments: '{"path":"from-chat","content":"yes"}' },
        },
      ],
    }),
    chatAnswer({ content: 'chat is done' }),
  ],
  '/v1/responses': [
    responsesAnswer({
      type: 'shell_call',
      id: 'sh_1',
      call_id: 'c1',
      status: 'completed',
      action: {
        commands: ['echo yes > from-responses'],
        timeout_ms: null,
        max_output_length: null,
      },
    }),
    responsesAnswer({
      type: 'message',
      id: 'msg_1',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'responses is done', annotations: [] }],
    }),
  ],
  '/v1/messages': [
    messagesAnswer('tool_use', {
      type: 'tool_use',
      id: 'c1',
      name: 'bash',
      input: { command: 'echo yes > from-messages' },
    }),
    messagesAnswer('end_turn', { type: 'text', text: 'messages is done' }),
  ],
};

/**
 * A server on loopback that answers as OpenAI's and Anthropic's APIs do, with one answer after another of those for a path; the
 * last one stays. Default: a call of a tool, then text.
 */
export async function wireServer(script: WireScript = answers): Promise<{
  readonly url: string;
  readonly requests: readonly WireRequest[];
}> {
  const requests: WireRequest[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url ?? '';
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
    const turn = requests.filter((each) => each.path === path).length;
    requests.push({ path, body });
    response.setHeader('content-type', 'application/json');
    const turns = script[path] ?? [];
    response.end(JSON.stringify(turns[Math.min(turn, turns.length - 1)]));
  };
  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** An answer of the chat completions API: a message, with tool calls or without. */
export function chatAnswer(message: object): unknown {
  return {
    id: 'x',
    object: 'chat.completion',
    created: 1,
    model: 'model',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', ...message },
        finish_reason: 'tool_calls' in message ? 'tool_calls' : 'stop',
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  };
}

function responsesAnswer(output: object): unknown {
  return {
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    model: 'gpt-5.1',
    status: 'completed',
    output: [output],
    usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
  };
}

function messagesAnswer(reason: string, content: object): unknown {
  return {
    id: 'msg',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-5',
    content: [content],
    stop_reason: reason,
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  };
}
