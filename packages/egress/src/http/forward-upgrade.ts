import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { maskHeaders, maskText, type Masks, MaskStream } from '../secrets/mask-stream.ts';
import { joinStreams } from '../tunnel/join-streams.ts';
import { openUpstream } from './forward-request.ts';
import { endToEnd, type HeaderList, headerList } from './header-list.ts';
import type { Link } from './link.ts';
import type { PreparedRequest } from './prepare-request.ts';
import { readableBody } from './readable-body.ts';
import { writeRefusal } from './respond.ts';
import { unreachable } from './unreachable.ts';
import { http1Answer } from './upstream-request.ts';

const upgrade: HeaderList = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
];

/** Pieces of what a client says before the host has agreed, which few do at all. */
const mostEarly = 16;

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
    socket.destroy();
  };
  socket.once('close', gone);
  // Read while the host thinks about it: else nobody would see that the client has gone.
  const early = [head];
  const hear = (chunk: Buffer): void => {
    early.push(chunk);
    if (early.length > mostEarly) socket.pause();
  };
  socket.on('data', hear);
  socket.once('end', gone);
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
    socket.off('end', gone);
    socket.off('data', hear);
    socket.pause();
    if (socket.destroyed) {
      gone();
      host.destroy();
      return;
    }
    socket.write(headOf(answer, upgrade, masks()));
    const said = Buffer.concat(early);
    if (said.length > 0) socket.unshift(said);
    if (hostHead.length > 0) host.unshift(hostHead);
    const forms = masks();
    joinStreams(socket, host, exchange, {
      status: 101,
      // A host's frames are not masked in the protocol's sense, and without extensions not compressed: text is text.
      ...(forms.length === 0 ? {} : { inward: new MaskStream(forms) }),
    });
  });
  upstream.once('response', (response) => {
    // The host does not agree: its answer is passed on and the connection ended.
    const forms = masks();
    const answer = http1Answer(response);
    const body = readableBody(answer, 'GET', forms);
    if ('status' in body) {
      response.destroy();
      exchange.end({ status: body.status, problem: body.rule });
      writeRefusal(socket, body);
      return;
    }
    const broken = (): void => void socket.destroy();
    answer.onBroken(broken);
    if (body.stream !== response) body.stream.on('error', broken);
    socket.write(headOf(response, [['Connection', 'close']], forms, body.changed));
    response.on('data', (chunk: Buffer) => exchange.in(chunk.length));
    body.stream.once('end', () => exchange.end({ status: answer.status }));
    body.stream.pipe(socket);
  });
  upstream.end();
}

function headOf(
  answer: IncomingMessage,
  more: HeaderList,
  masks: Masks,
  without: readonly string[] = [],
): string {
  const headers = [...endToEnd(headerList(answer.rawHeaders), without), ...more];
  const lines = maskHeaders(headers, masks).map(([name, value]) => `${name}: ${value}`);
  const status = `HTTP/1.1 ${answer.statusCode} ${maskText(answer.statusMessage ?? '', masks)}`;
  return `${[status, ...lines].join('\r\n')}\r\n\r\n`;
}
