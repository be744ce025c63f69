import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { maskText, type Masks, MaskStream } from '../secrets/mask-stream.ts';
import { joinStreams } from '../tunnel/join-streams.ts';
import { openUpstream } from './forward-request.ts';
import { endToEnd, type HeaderList, headerList } from './header-list.ts';
import type { Link } from './link.ts';
import type { PreparedRequest } from './prepare-request.ts';
import { writeRefusal } from './respond.ts';
import { unreachable } from './unreachable.ts';

const upgrade: HeaderList = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
];

/** Opens a WebSocket to a host, and joins it with the client's once the host agrees. Ends the exchange in every case. */
export function forwardUpgrade(
  socket: Duplex,
  head: Buffer,
  prepared: PreparedRequest,
  link: Link,
): void {
  const { exchange, masked } = prepared;
  const upstream = openUpstream(prepared, link, upgrade);
  exchange.onCut(() => {
    upstream.destroy();
    socket.destroy();
  });
  const gone = (): void => {
    upstream.destroy();
    exchange.end({ problem: 'aborted' });
  };
  socket.once('close', gone);
  const masks = (): Masks => (masked.length === 0 ? [] : link.session.broker.masks(masked));
  upstream.on('error', (error) => {
    if (exchange.ended) return;
    const refusal = unreachable(error);
    exchange.end({ status: refusal.status, problem: refusal.rule });
    writeRefusal(socket, refusal);
  });
  upstream.once('upgrade', (answer, host: Duplex, hostHead: Buffer) => {
    // From here on the two connections end each other.
    socket.off('close', gone);
    if (socket.destroyed) {
      gone();
      host.destroy();
      return;
    }
    socket.write(headOf(answer, upgrade, masks()));
    if (head.length > 0) socket.unshift(head);
    if (hostHead.length > 0) host.unshift(hostHead);
    const forms = masks();
    joinStreams(socket, host, exchange, {
      status: 101,
      // A host's frames are not masked in the protocol's sense, and without extensions not compressed: text is text.
      ...(forms.length === 0 ? {} : { inward: new MaskStream(forms) }),
    });
  });
  upstream.once('response', (answer) => {
    // The host does not agree: its answer is passed on and the connection ended.
    socket.write(headOf(answer, [['Connection', 'close']], masks()));
    const forms = masks();
    const body = forms.length === 0 ? answer : answer.pipe(new MaskStream(forms));
    answer.on('data', (chunk: Buffer) => exchange.in(chunk.length));
    answer.on('error', () => socket.destroy());
    answer.once('end', () => exchange.end({ status: answer.statusCode ?? 502 }));
    body.pipe(socket);
  });
  upstream.end();
}

function headOf(answer: IncomingMessage, more: HeaderList, masks: Masks): string {
  const headers = [...endToEnd(headerList(answer.rawHeaders)), ...more];
  const lines = headers.map(([name, value]) => `${name}: ${maskText(value, masks)}`);
  const status = `HTTP/1.1 ${answer.statusCode} ${maskText(answer.statusMessage ?? '', masks)}`;
  return `${[status, ...lines].join('\r\n')}\r\n\r\n`;
}
