/** A tar archive (POSIX ustar) of entries. */
export function tarOf(entries: readonly Buffer[]): Buffer {
  return Buffer.concat([...entries, Buffer.alloc(1_024)]);
}

/** An empty directory, its path of at most 99 bytes ending in a slash, or a program with its contents. */
export function tarEntry(path: string, owner: string, contents: Buffer = Buffer.alloc(0)): Buffer {
  const [uid = 0, gid = 0] = owner.split(':').map(Number);
  const block = Buffer.alloc(512);
  const octal = (value: number, digits: number): string =>
    `${value.toString(8).padStart(digits, '0')}\0`;
  block.write(path, 0, 'utf8');
  block.write(octal(0o755, 7), 100, 'latin1');
  block.write(octal(uid, 7), 108, 'latin1');
  block.write(octal(gid, 7), 116, 'latin1');
  block.write(octal(contents.length, 11), 124, 'latin1');
  block.write(octal(0, 11), 136, 'latin1');
  block.write(' '.repeat(8), 148, 'latin1');
  block.write(path.endsWith('/') ? '5' : '0', 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)} `, 148, 'latin1');
  return Buffer.concat([block, contents, Buffer.alloc(-contents.length & 511)]);
}
