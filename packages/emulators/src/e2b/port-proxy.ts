import type { WireResponse } from '../chassis/listener.ts';

/** The router's answer for a port on which nobody listens. */
export function closedPort(response: WireResponse, sandboxId: string, port: number): void {
  answer(response, {
    ...{ sandboxId, port, code: 502 },
    message: 'The sandbox is running but port is not open',
  });
}

/** The router's answer for a sandbox that it does not know, or that is paused. */
export function unknownSandbox(response: WireResponse, sandboxId: string): void {
  answer(response, { sandboxId, message: 'The sandbox was not found', code: 502 });
}

function answer(response: WireResponse, body: object): void {
  response.statusCode = 502;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}
