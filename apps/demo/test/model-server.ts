import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server on loopback that answers as Anthropic's API does. */
export interface ModelServer {
  /** For `ANTHROPIC_BASE_URL`. */
  readonly url: string;
  /** How often it was asked so far. */
  readonly asked: () => number;
  readonly close: () => Promise<void>;
}

/** Starts one whose model writes `model.txt` by its shell, and says so once it has heard how that went. */
export async function modelServer(): Promise<ModelServer> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    void respond(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    asked: () => asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const body = await read(request);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer(body.includes('"tool_result"'))));
  } catch (error) {
    response.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

async function read(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request.setEncoding('utf8')) text += String(part);
  return text;
}

function answer(isWritten: boolean): unknown {
  const input = { command: 'echo by a model > model.txt' };
  return {
    ...{ id: 'message', type: 'message', role: 'assistant', model: 'claude-sonnet-4-5' },
    content: isWritten
      ? [{ type: 'text', text: 'It is written.' }]
      : [{ type: 'tool_use', id: 'call', name: 'bash', input }],
    stop_reason: isWritten ? 'end_turn' : 'tool_use',
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  };
}
