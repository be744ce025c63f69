import { createSocket, type Socket } from 'node:dgram';

/** A name server on the loopback for the hosts of one run. */
export interface NameServer {
  readonly port: number;
  /** Every name that it was asked for, in lower case. */
  readonly asked: string[];
  close(): void;
}

const addressRecord = 1;

/** Answers names with what `answer` says, and all others with "no such name". Nothing may be kept: each answer is for one moment. */
export async function startNameServer(
  answer: (name: string) => string | undefined,
): Promise<NameServer> {
  const asked: string[] = [];
  const socket: Socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    const end = endOfName(query);
    if (end === undefined) return;
    const name = nameIn(query, end);
    asked.push(name);
    const found = query.readUInt16BE(end) === addressRecord ? answer(name) : undefined;
    socket.send(reply(query, end + 4, found), port, address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', resolve);
  });
  socket.unref();
  return { port: socket.address().port, asked, close: () => socket.close() };
}

/** The questions's name ends with a byte 0 (RFC 1035, 4.1.2). */
function endOfName(query: Buffer): number | undefined {
  let at = 12;
  while (at < query.length - 4) {
    const length = query[at] ?? 0;
    if (length === 0) return at + 1;
    at += length + 1;
  }
  return undefined;
}

function nameIn(query: Buffer, end: number): string {
  const labels: string[] = [];
  for (let at = 12; at < end - 1;) {
    const length = query[at] ?? 0;
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return labels.join('.').toLowerCase();
}

function reply(query: Buffer, end: number, address: string | undefined): Buffer {
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  // A response with authority; 3 is "no such name".
  head.writeUInt16BE(0x8580 | (address === undefined ? 3 : 0), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(address === undefined ? 0 : 1, 6);
  const question = query.subarray(12, end);
  if (address === undefined) return Buffer.concat([head, question]);
  // The name is the question's; class IN; kept for 0 seconds; four bytes.
  const record = Buffer.from([0xc0, 12, 0, addressRecord, 0, 1, 0, 0, 0, 0, 0, 4]);
  return Buffer.concat([head, question, record, Buffer.from(address.split('.').map(Number))]);
}
