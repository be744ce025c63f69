import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { readClientHello } from './client-hello.ts';

/** What a real client says first. */
async function helloOf(servername: string | undefined): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection');
  const options = { port, host: '127.0.0.1', ...(servername === undefined ? {} : { servername }) };
  const client = connect(options);
  client.on('error', () => undefined);
  const [socket] = (await accepted) as [NodeJS.Socket & { destroy: () => void }];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

test('the name that a real client asks for is read, in one piece or in records of any size', async () => {
  const hello = await helloOf('API.example.com');
  expect(readClientHello(hello)).toEqual({ serverName: 'api.example.com' });
  expect(readClientHello(Buffer.concat([hello, Buffer.from('more')]))).toMatchObject({
    serverName: 'api.example.com',
  });
  const message = hello.subarray(5);
  for (const size of [1, 3, 7, 100]) {
    const records: Buffer[] = [];
    for (let at = 0; at < message.length; at += size) {
      const part = message.subarray(at, at + size);
      records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part);
    }
    expect(readClientHello(Buffer.concat(records))).toEqual({ serverName: 'api.example.com' });
  }
});

test('a part of a message asks for more, and never for what is already there', async () => {
  const hello = await helloOf('a.test');
  for (let length = 1; length < hello.length; length += 1) {
    const need = readClientHello(hello.subarray(0, length));
    expect(need).toBeTypeOf('number');
    expect(need).toBeGreaterThan(length);
  }
});

test('no name, two names and nonsense', async () => {
  expect(readClientHello(await helloOf(undefined))).toEqual({});
  expect(readClientHello(Buffer.from('16030100020000', 'hex'))).toBeTypeOf('number');
  expect(readClientHello(Buffer.from('GET / HTTP/1.1\r\n'))).toBeUndefined();
  const hello = await helloOf('a.test');
  for (let at = 5; at < hello.length; at += 1) {
    const broken = Buffer.from(hello);
    broken[at] = 255;
    // Whatever it is read as, it is read without an error.
    expect(() => readClientHello(broken)).not.toThrow();
  }
  const name = Buffer.concat([Buffer.from([0, 0, 0, 11, 0, 9, 0, 0, 6]), Buffer.from('a.test')]);
  const at = hello.indexOf(name);
  expect(at).toBeGreaterThan(0);
  const twice = withMore(hello, name);
  expect(readClientHello(twice)).toBeUndefined();
});

/** A message with one more extension at its end. */
function withMore(hello: Buffer, extension: Buffer): Buffer {
  const bytes = Buffer.concat([hello, extension]);
  bytes.writeUInt16BE(bytes.readUInt16BE(3) + extension.length, 3);
  bytes.writeUIntBE(bytes.readUIntBE(6, 3) + extension.length, 6, 3);
  let at = 5 + 4 + 2 + 32;
  at += 1 + (bytes[at] ?? 0);
  at += 2 + bytes.readUInt16BE(at);
  at += 1 + (bytes[at] ?? 0);
  bytes.writeUInt16BE(bytes.readUInt16BE(at) + extension.length, at);
  return bytes;
}
