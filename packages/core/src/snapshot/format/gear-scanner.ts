/** Bytes that a scanner has room for. */
const roomBytes = 1024 * 1024;
/** The table of 256 numbers is in front of the room. */
const tableBytes = 256 * 4;
/** Bytes that are looked at before the end is. */
const unrolled = 8;
const pageBytes = 64 * 1024;
/** The rolling value forgets a byte after 32 others. */
const window = 32;

/** Looks for boundaries in bytes that were put into its room. */
export interface GearScanner {
  readonly room: Buffer;
  /**
   * The first place after a byte in `from` to `to` after which the rolling value has none of the bits of `mask`; 0 where there
   * is none. The 32 bytes before `from` must be in the room too.
   */
  readonly find: (from: number, to: number, mask: number) => number;
}

type Find = (at: number, end: number, value: number, mask: number) => number;

/** What is used of the engine, with what `moduleBytes` exports: Node's types leave it to those of browsers. */
interface WebAssemblyModules {
  readonly Memory: new (size: { initial: number; maximum: number }) => { buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, object>>>>,
  ) => { readonly exports: { readonly find: Find } };
}
declare const WebAssembly: WebAssemblyModules;

/**
 * A scanner with this table. It is a loop of WebAssembly, made here: a byte takes it a quarter of the time that the same loop takes
 * in JavaScript, and nothing else of a capture takes as long.
 */
export function gearScanner(gear: Int32Array): GearScanner {
  const pages = Math.ceil((tableBytes + roomBytes + unrolled) / pageBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  new Int32Array(memory.buffer, 0, gear.length).set(gear);
  const room = Buffer.from(memory.buffer, tableBytes, roomBytes);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()), {
    own: { memory },
  });
  const { find } = instance.exports;
  return {
    room,
    find(from, to, mask) {
      let value = 0;
      for (let index = from - window; index < from; index += 1) {
        value = ((value << 1) + (gear[room[index] ?? 0] ?? 0)) | 0;
      }
      const found = find(tableBytes + from, tableBytes + to, value, mask) - tableBytes;
      // The loop looks at eight bytes at a time, and so past the end.
      return found > 0 && found <= to ? found : 0;
    },
  };
}

// The numbers of the WebAssembly 1.0 binary format, part 5 of its specification.
const i32 = 0x7f;
const op = {
  loop: 0x03,
  if: 0x04,
  end: 0x0b,
  branchIf: 0x0d,
  return: 0x0f,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  load: 0x28,
  loadByte: 0x2d,
  constant: 0x41,
  isZero: 0x45,
  isLess: 0x49,
  add: 0x6a,
  and: 0x71,
  shiftLeft: 0x74,
} as const;
const noValue = 0x40;
const [at, end, value, mask] = [0, 1, 2, 3];

/** value = (value << 1) + table[byte `offset` after at]; if ((value & mask) === 0) return at + offset + 1. */
function lookAt(offset: number): number[] {
  return [
    ...[op.get, value, op.constant, 1, op.shiftLeft],
    ...[op.get, at, op.loadByte, 0, offset, op.constant, 2, op.shiftLeft, op.load, 2, 0],
    ...[op.add, op.tee, value, op.get, mask, op.and, op.isZero],
    ...[op.if, noValue, op.get, at, op.constant, offset + 1, op.add, op.return, op.end],
  ];
}

/** `find(at, end, value, mask)`: looks at bytes until one matches or `at` is past the end, then 0. */
function moduleBytes(): Uint8Array<ArrayBuffer> {
  const body = [
    ...[0, op.loop, noValue],
    ...Array.from({ length: unrolled }, (_, offset) => lookAt(offset)).flat(),
    ...[op.get, at, op.constant, unrolled, op.add, op.tee, at, op.get, end, op.isLess],
    ...[op.branchIf, 0, op.end, op.constant, 0, op.end],
  ];
  const types = [1, 0x60, 4, i32, i32, i32, i32, 1, i32];
  const pages = 0;
  const imports = [1, ...name('own'), ...name('memory'), 2, pages, 0];
  const exports = [1, ...name('find'), 0, 0];
  const code = [1, ...length(body.length), ...body];
  return Uint8Array.from([
    ...[0, ...Buffer.from('asm'), 1, 0, 0, 0],
    ...section(1, types),
    ...section(2, imports),
    ...section(3, [1, 0]),
    ...section(7, exports),
    ...section(10, code),
  ]);
}

function section(id: number, bytes: readonly number[]): number[] {
  return [id, ...length(bytes.length), ...bytes];
}

function name(text: string): number[] {
  return [text.length, ...Buffer.from(text)];
}

/** A number below 2^14, seven bits to a byte, the lowest first. */
function length(count: number): number[] {
  return count < 0x80 ? [count] : [(count & 0x7f) | 0x80, count >> 7];
}
