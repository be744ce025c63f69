/** What the first message of TLS says that matters here. */
export interface ClientHello {
  /** The server's name in lower case; absent where the client names none. */
  readonly serverName?: string;
}

/** Longest first message that is waited for. Post-quantum key shares make it a few KiB; nothing makes it more than this. */
const longestHello = 64 * 1024;

const handshake = 22;
const clientHello = 1;
const serverNameExtension = 0;
const hostNameKind = 0;

/** Whether bytes begin as TLS does: a handshake record of version 3.x. */
export function looksLikeTls(bytes: Buffer): boolean {
  return bytes[0] === handshake && (bytes.length < 2 || bytes[1] === 3);
}

/**
 * Reads the first message of TLS from the bytes so far (RFC 8446, 4.1.2 and 5.1; RFC 6066, 3). A number is how many bytes are needed
 * at least to say more; `undefined` is no such message, or one that names a server twice.
 */
export function readClientHello(bytes: Buffer): ClientHello | number | undefined {
  const message = handshakeBytes(bytes);
  if (typeof message === 'number' || message === undefined) return message;
  try {
    return parse(new Cursor(message));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The first handshake message, which may be spread over records. */
function handshakeBytes(bytes: Buffer): Buffer | number | undefined {
  const parts: Buffer[] = [];
  let have = 0;
  let at = 0;
  let need = 4;
  while (have < need) {
    if (bytes.length < at + 5) return at + 5;
    const length = bytes.readUInt16BE(at + 3);
    if (bytes[at] !== handshake || bytes[at + 1] !== 3 || length === 0 || length > 1 << 14)
      return undefined;
    if (bytes.length < at + 5 + length) return at + 5 + length;
    parts.push(bytes.subarray(at + 5, at + 5 + length));
    have += length;
    at += 5 + length;
    if (have < 4) continue;
    const start = Buffer.concat(parts);
    if (start[0] !== clientHello) return undefined;
    need = 4 + start.readUIntBE(1, 3);
    if (need > longestHello) return undefined;
  }
  return Buffer.concat(parts).subarray(4, need);
}

function parse(hello: Cursor): ClientHello | undefined {
  // Version, random, session id, cipher suites, compression methods.
  hello.skip(2 + 32);
  hello.skip(hello.number(1));
  hello.skip(hello.number(2));
  hello.skip(hello.number(1));
  if (hello.left === 0) return {};
  const extensions = hello.part(hello.number(2));
  let serverName: string | undefined;
  let seen = false;
  while (extensions.left > 0) {
    const kind = extensions.number(2);
    const body = extensions.part(extensions.number(2));
    if (kind !== serverNameExtension) continue;
    if (seen) return undefined;
    seen = true;
    const names = body.part(body.number(2));
    if (names.number(1) !== hostNameKind) return undefined;
    serverName = names.text(names.number(2)).toLowerCase();
    // One name of each kind, and there is one kind.
    if (names.left > 0) return undefined;
  }
  return serverName === undefined ? {} : { serverName };
}

/** Reads forward; throws a `RangeError` past the end. */
class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  number(bytes: 1 | 2): number {
    const value = this.#bytes.readUIntBE(this.#at, bytes);
    this.#at += bytes;
    return value;
  }

  skip(count: number): void {
    if (count > this.left) throw new RangeError('the message ends early');
    this.#at += count;
  }

  part(count: number): Cursor {
    const start = this.#at;
    this.skip(count);
    return new Cursor(this.#bytes.subarray(start, start + count));
  }

  text(count: number): string {
    const start = this.#at;
    this.skip(count);
    return this.#bytes.toString('latin1', start, start + count);
  }
}
