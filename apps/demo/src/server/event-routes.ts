import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { EventHub } from './event-hub.ts';

const keepAliveMs = 15_000;

/** `GET /api/events`: everything that happens, resumable by `Last-Event-ID` or `?since=`. */
export function eventRoutes(events: EventHub): Hono {
  return new Hono().get('/', (context) => {
    const since = Number(context.req.header('last-event-id') ?? context.req.query('since') ?? '');
    return streamSSE(context, async (stream) => {
      const ended = new Promise<void>((resolve) => {
        stream.onAbort(resolve);
      });
      // Written in order; a page that does not read is cut off by the connection's own limits.
      let writing: Promise<unknown> = stream.write(': open\n\n');
      const unsubscribe = events.subscribe(since > 0 ? since : undefined, ({ number, event }) => {
        writing = writing.then(() =>
          stream.writeSSE({ id: String(number), data: JSON.stringify(event) }),
        );
      });
      const beat = setInterval(() => {
        writing = writing.then(() => stream.write(': alive\n\n'));
      }, keepAliveMs);
      try {
        await ended;
      } finally {
        clearInterval(beat);
        unsubscribe();
      }
    });
  });
}
