/** A tar archive (POSIX ustar) of one empty directory, for the layer that gives an image its workspace. */
export function workspaceTar(owner: string): Buffer {
  const [uid = 0, gid = 0] = owner.split(':').map(Number);
  const tar = Buffer.alloc(512 + 1_024);
  const octal = (value: number, digits: number): string =>
    `${value.toString(8).padStart(digits, '0')}\0`;
  tar.write('workspace/', 0, 'latin1');
  tar.write(octal(0o755, 7), 100, 'latin1');
  tar.write(octal(uid, 7), 108, 'latin1');
  tar.write(octal(gid, 7), 116, 'latin1');
  tar.write(octal(0, 11), 124, 'latin1');
  tar.write(octal(0, 11), 136, 'latin1');
  tar.write(' '.repeat(8), 148, 'latin1');
  tar.write('5', 156, 'latin1');
  tar.write('ustar\x0000', 257, 'latin1');
  const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  tar.write(`${octal(sum, 6)} `, 148, 'latin1');
  return tar;
}
