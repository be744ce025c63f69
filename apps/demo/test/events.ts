import type { ServerEvent } from '../src/protocol/events.ts';
import type { OperationAnswer } from '../src/protocol/sandboxes.ts';
import type { DemoProcess } from './demo-process.ts';

/** An event with the number that `Last-Event-ID` names. */
export interface Heard {
  readonly number: string;
  readonly event: ServerEvent;
}

/** Listens to the server's events from an event on, or from now on, until one is as wanted; returns all that came. */
export async function eventsUntil(
  demo: DemoProcess,
  wanted: (event: ServerEvent) => boolean,
  options: { readonly after?: string; readonly started?: () => Promise<unknown> } = {},
): Promise<readonly Heard[]> {
  const stop = AbortSignal.timeout(90_000);
  const headers: Record<string, string> = { cookie: demo.cookie };
  if (options.after !== undefined) headers['last-event-id'] = options.after;
  const answer = await fetch(`${demo.origin}/api/events`, { headers, signal: stop });
  if (!answer.ok || !answer.body) throw new Error(`no events: ${answer.status}`);
  const working = options.started?.() ?? Promise.resolve();
  const heard: Heard[] = [];
  let text = '';
  for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
    text += part;
    const messages = text.split('\n\n');
    text = messages.pop() ?? '';
    for (const message of messages) {
      const number = /^id: (.+)$/m.exec(message)?.[1];
      const data = /^data: (.+)$/m.exec(message)?.[1];
      if (number === undefined || data === undefined) continue;
      const event = JSON.parse(data) as ServerEvent;
      heard.push({ number, event });
      if (!wanted(event)) continue;
      await working;
      return heard;
    }
  }
  throw new Error(`the events ended: ${JSON.stringify(heard)}`);
}

/** Begins a long operation by a request and waits for its end, which must be a good one; returns what it made. */
export async function operationDone(
  demo: DemoProcess,
  place: string,
  body: unknown,
): Promise<{ readonly sandbox: string; readonly snapshot: string }> {
  let begun: Promise<OperationAnswer> | undefined;
  const isOver = (event: ServerEvent): boolean =>
    event.type === 'progress' && event.state !== 'running';
  const heard = await eventsUntil(demo, isOver, {
    started: () => (begun = demo.call<OperationAnswer>('POST', place, body)),
  });
  const last = heard.at(-1)?.event;
  if (last?.type !== 'progress' || last.state !== 'done')
    throw new Error(`${place} failed: ${JSON.stringify(last)}`);
  if (last.operation !== (await begun)?.operation)
    throw new Error(`another operation than ${place} has ended: ${JSON.stringify(last)}`);
  return { sandbox: last.sandbox ?? '', snapshot: last.snapshot ?? '' };
}
