import type { TarHeader, TarType } from './tar-types.ts';

/** Everything in a tar file comes in blocks of this many bytes (POSIX.1-2017, pax). */
export const tarBlock = 512;

const typeFlags: Readonly<Record<TarType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  directory: '5',
};

/**
 * The blocks that announce one entry: owner 0, and GNU long-name blocks where a name is over 100 bytes,
 * which GNU tar and busybox both read, for any bytes. Pax records would lose names in busybox.
 */
export function encodeTarHeader(header: TarHeader): Uint8Array {
  const blocks: Uint8Array[] = [];
  const name =
    header.type === 'directory' ? Buffer.concat([header.path, Buffer.from('/')]) : header.path;
  const link = header.linkTarget ?? Buffer.alloc(0);
  if (link.length > 100) blocks.push(...longName('K', link));
  if (name.length > 100) blocks.push(...longName('L', name));
  blocks.push(headerBlock(name, typeFlags[header.type], header, link));
  return Buffer.concat(blocks);
}

/** Zero bytes that fill contents up to a whole block. */
export function tarPadding(size: number): Uint8Array {
  return Buffer.alloc((tarBlock - (size % tarBlock)) % tarBlock);
}

function longName(flag: string, bytes: Uint8Array): Uint8Array[] {
  const value = Buffer.concat([bytes, Buffer.alloc(1)]);
  const fields = { mode: 0o644, size: value.length, modifiedSeconds: 0 };
  const block = headerBlock(Buffer.from('././@LongLink'), flag, fields, Buffer.alloc(0));
  return [block, value, tarPadding(value.length)];
}

function headerBlock(
  name: Uint8Array,
  flag: string,
  fields: { readonly mode: number; readonly size: number; readonly modifiedSeconds: number },
  link: Uint8Array,
): Uint8Array {
  const block = Buffer.alloc(tarBlock);
  block.set(name.subarray(0, 100), 0);
  block.write(octal(fields.mode, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  writeTarNumber(block, fields.size, 124);
  writeTarNumber(block, Math.max(0, Math.floor(fields.modifiedSeconds)), 136);
  block.write(flag, 156);
  block.set(link.subarray(0, 100), 157);
  block.write('ustar  \0', 257);
  block.write(`${octal(tarChecksum(block), 6)}\0 `, 148);
  return block;
}

/** The sum of a header's bytes, its own checksum field read as spaces. */
export function tarChecksum(block: Uint8Array): number {
  // A loop: this is done for every entry, and a function called for each byte takes twenty times as long.
  let sum = 8 * 0x20;
  for (let index = 0; index < tarBlock; index += 1) {
    if (index < 148 || index >= 156) sum += block[index] ?? 0;
  }
  return sum;
}

/** Twelve bytes: eleven octal digits, or from 8 GiB on GNU's binary form. */
export function writeTarNumber(block: Buffer, value: number, offset: number): void {
  if (value < 8 ** 11) {
    block.write(octal(value, 11), offset);
    return;
  }
  block[offset] = 0x80;
  block.writeBigUInt64BE(BigInt(value), offset + 4);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}
