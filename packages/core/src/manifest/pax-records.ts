import { SandboxError } from '../errors/sandbox-error.ts';

/**
 * The records of a pax extended header, values byte for byte, since a name need not be UTF-8.
 * Throws `data-loss` for a record whose length does not fit.
 */
export function parsePaxRecords(bytes: Buffer): ReadonlyMap<string, Buffer> {
  const records = new Map<string, Buffer>();
  for (let start = 0; start < bytes.length;) {
    const space = bytes.indexOf(0x20, start);
    const lengthText = space === -1 ? '' : bytes.toString('latin1', start, space);
    const end = start + Number(lengthText);
    const equals = bytes.indexOf(0x3d, space);
    const fits =
      /^[1-9]\d{0,8}$/.test(lengthText) && end <= bytes.length && bytes[end - 1] === 0x0a;
    if (!fits || equals === -1 || equals >= end) {
      throw new SandboxError('data-loss', 'the tar file has a damaged pax header', {
        operation: 'tar.read',
      });
    }
    records.set(bytes.toString('utf8', space + 1, equals), bytes.subarray(equals + 1, end - 1));
    start = end;
  }
  return records;
}
