import { SandboxError } from '../errors/sandbox-error.ts';
import { tarChecksum } from './tar-header.ts';

/** The fields of one header block, before long names and pax records are applied. */
export interface RawHeader {
  readonly flag: string;
  readonly path: Buffer;
  readonly mode: number;
  readonly size: number;
  readonly modifiedSeconds: number;
  readonly linkTarget: Buffer;
}

/** Reads one header block; `undefined` for the block of zeros that ends a tar file. */
export function decodeTarBlock(block: Buffer): RawHeader | undefined {
  if (block[0] === 0 && block.every((byte) => byte === 0)) return undefined;
  if (tarChecksum(block) !== number(block, 148, 8)) {
    throw damaged('a header has a wrong checksum; is it a tar file at all?');
  }
  const ustar = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = ustar ? text(block, 345, 155) : Buffer.alloc(0);
  const name = text(block, 0, 100);
  return {
    flag: block.toString('latin1', 156, 157),
    path: prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]),
    mode: number(block, 100, 8) & 0o7777,
    size: number(block, 124, 12),
    modifiedSeconds: number(block, 136, 12, { signed: true }),
    linkTarget: text(block, 157, 100),
  };
}

function text(block: Buffer, offset: number, length: number): Buffer {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return Buffer.from(end === -1 ? field : field.subarray(0, end));
}

/** Octal digits between spaces or NULs, or GNU's binary form, marked by the top bit. */
function number(
  block: Buffer,
  offset: number,
  length: number,
  options: { signed?: boolean } = {},
): number {
  const field = block.subarray(offset, offset + length);
  const first = field[0] ?? 0;
  if ((first & 0x80) !== 0) {
    // A time before 1970 is no harm and is read as 1970; a negative size is.
    if (first === 0xff && options.signed === true) return 0;
    const value = first === 0x80 ? Number(BigInt(`0x${field.toString('hex', 1)}`)) : Number.NaN;
    if (!Number.isSafeInteger(value)) throw damaged('a number in a header is out of range');
    return value;
  }
  const digits = field.toString('latin1').replaceAll(/^[\s\0]+|[\s\0]+$/g, '');
  if (digits === '') return 0;
  if (!/^[0-7]+$/.test(digits)) throw damaged('a number in a header is not octal');
  return Number.parseInt(digits, 8);
}

function damaged(reason: string): SandboxError {
  return new SandboxError('data-loss', `the tar file is damaged: ${reason}`, {
    operation: 'tar.read',
  });
}
