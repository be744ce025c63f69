import type { ServerEvent } from '../../../src/protocol/events.ts';
import { parseAnswer } from './parse-answer.ts';

/** `refused`: the server is another one now, which does not know this page; `lost` is tried again by the browser. */
export type Connection = 'connecting' | 'live' | 'lost' | 'refused';

/** What tabs say to each other. `last` is the number of the latest event that the sender knows of; 0: of none. */
type Said =
  | { readonly kind: 'event'; readonly number: number; readonly data: string }
  | { readonly kind: 'connection'; readonly connection: Connection; readonly last: number }
  | { readonly kind: 'who-listens' };

/** What is told of the server's events. */
interface Listeners {
  readonly onEvent: (event: ServerEvent) => void;
  readonly onConnection: (connection: Connection) => void;
}

const name = 'gantry-events';

/**
 * Hears the server's events over one connection for all tabs, since a browser has six for a server and each tab would keep one.
 * One tab holds the lock, listens and tells the others; when it is closed, the next goes on after the last event that it knows.
 * Returns what ends it.
 */
export function listenTogether({ onEvent, onConnection }: Listeners): () => void {
  const channel = new BroadcastChannel(name);
  const ended = new AbortController();
  const { signal } = ended;
  let last = 0;
  let isInLine = false;
  /** Of the tab that listens: how its connection is. */
  let own: Connection | undefined;

  const hear = (number: number, data: string): void => {
    const event = parseAnswer<ServerEvent>(data);
    // The tab before may have told it already.
    if (number <= last && event.type !== 'reset') return;
    last = number;
    onEvent(event);
  };
  const say = (said: Said): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has none: only this origin's tabs hear it
    channel.postMessage(said);
  };
  const listen = (): Promise<void> =>
    new Promise((resolve) => {
      const source = new EventSource(last > 0 ? `/api/events?since=${last}` : '/api/events');
      const become = (connection: Connection): void => {
        own = connection;
        onConnection(connection);
        say({ kind: 'connection', connection, last });
      };
      const end = (): void => {
        own = undefined;
        source.close();
        resolve();
      };
      become('connecting');
      signal.addEventListener('abort', end);
      source.addEventListener('open', () => {
        become('live');
      });
      source.addEventListener('error', () => {
        const isOver = source.readyState === EventSource.CLOSED;
        become(isOver ? 'refused' : 'lost');
        // Another tab may have been let in meanwhile.
        if (isOver) end();
      });
      source.addEventListener('message', ({ lastEventId, data }: MessageEvent<string>) => {
        say({ kind: 'event', number: Number(lastEventId), data });
        hear(Number(lastEventId), data);
      });
    });
  const getInLine = async (): Promise<void> => {
    if (isInLine) return;
    isInLine = true;
    try {
      await navigator.locks.request(name, { signal }, listen);
    } catch (error) {
      // Who leaves the page leaves the line.
      if (!signal.aborted) throw error;
    } finally {
      isInLine = false;
    }
  };
  channel.addEventListener('message', ({ data: said }: MessageEvent<Said>) => {
    if (said.kind === 'event') hear(said.number, said.data);
    else if (said.kind === 'who-listens') {
      if (own !== undefined) say({ kind: 'connection', connection: own, last });
    } else {
      if (last === 0) last = said.last;
      onConnection(said.connection);
      if (said.connection === 'live') void getInLine();
    }
  });
  say({ kind: 'who-listens' });
  void getInLine();
  return () => {
    ended.abort();
    channel.close();
  };
}
