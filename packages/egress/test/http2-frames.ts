/** Frames of HTTP/2 as bytes (RFC 9113, 4), for what no library would send. */
export const kinds = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  continuation: 9,
} as const;

/** What opens a connection, before the first frame. */
export const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export const endStream = 1;
export const endHeaders = 4;

/** A frame that was read. */
export interface Frame {
  readonly kind: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** One frame. */
export function frame(
  kind: keyof typeof kinds,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = kinds[kind];
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A reset with this code. */
export function reset(stream: number, code: number): Buffer {
  return frame('reset', 0, stream, Buffer.from([0, 0, 0, code]));
}

/** Headers, each written out as it is (RFC 7541, 6.2.2). */
export function fields(list: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    list.map(([name, value]) => Buffer.concat([Buffer.from([0]), text(name), text(value)])),
  );
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}

/** Takes bytes as they come and hands out whole frames. `prefaced` where the other side is the client. */
export function frameReader(
  take: (frame: Frame) => void,
  prefaced = false,
): (bytes: Buffer) => void {
  let held: Buffer = Buffer.alloc(0);
  let skip = prefaced ? preface.length : 0;
  return (bytes) => {
    held = Buffer.concat([held, bytes]);
    if (held.length < skip + 9) return;
    held = held.subarray(skip);
    skip = 0;
    for (;;) {
      const length = held.length < 9 ? Infinity : held.readUIntBE(0, 3);
      if (held.length < 9 + length) return;
      const [kind = -1, flags = 0] = held.subarray(3, 5);
      const stream = held.readUInt32BE(5) & 0x7fffffff;
      take({ kind, flags, stream, payload: held.subarray(9, 9 + length) });
      held = held.subarray(9 + length);
    }
  };
}
