import type { EmulatorClock } from './clock.ts';
import { hostOf } from './guard.ts';
import type { WireRequest, WireResponse } from './listener.ts';
import { recordedBody, type RequestLog } from './request-log.ts';
import { tapResponse } from './response-tap.ts';

/** Adds a request and its answer to the log once the answer has ended, however it did. */
export function recordExchange(
  request: WireRequest,
  response: WireResponse,
  log: RequestLog,
  clock: EmulatorClock,
): void {
  const begin = performance.now();
  const at = clock.now();
  // Whoever answers may change it for its own parts.
  const path = request.url ?? '';
  const sent = new Beginning();
  const answered = new Beginning();
  if (log.recording) {
    const emit = request.emit.bind(request);
    // Not a listener: one would make the request flow before its handler reads it.
    request.emit = (event: string | symbol, ...values: unknown[]): boolean => {
      if (event === 'data') sent.add(values[0]);
      return Reflect.apply(emit, undefined, [event, ...values]);
    };
    tapResponse(response, (chunk) => {
      answered.add(chunk);
      return 'send';
    });
  }
  response.once('close', () => {
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => !name.startsWith(':')),
    );
    log.add({
      ...{ at, headers, host: hostOf(request) },
      method: request.method ?? '',
      path,
      status: response.statusCode,
      aborted: !response.writableFinished,
      durationMs: Math.round(performance.now() - begin),
      ...(log.recording ? { requestBody: sent.text(), responseBody: answered.text() } : {}),
    });
  });
}

/** The first bytes of a body. */
class Beginning {
  readonly #chunks: Buffer[] = [];
  #left = recordedBody;

  add(chunk: unknown): void {
    if (this.#left <= 0 || !(chunk instanceof Uint8Array)) return;
    const part = Buffer.from(chunk.subarray(0, this.#left));
    this.#left -= part.length;
    this.#chunks.push(part);
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}
