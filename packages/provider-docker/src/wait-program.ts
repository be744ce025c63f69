/**
 * Machine code that sleeps for as many seconds and nanoseconds as its two arguments say in decimal digits, and exits with
 * 0: nanosleep(2), exit(2), and a loop that reads digits.
 */
const machineCode = {
  x64: [
    '488b742418e820000000', // mov rsi,[rsp+24]; call digits
    '4889c3', // mov rbx,rax
    '488b742410e813000000', // mov rsi,[rsp+16]; call digits
    '53504889e731f66a23580f05', // push rbx; push rax; nanosleep(rsp, 0)
    '6a3c5831ff0f05', // exit(0)
    '31c00fb60e48ffc683e93083f9097709486bc00a4801c8ebe9c3', // digits: rax = rax * 10 + digit
  ],
  arm64: [
    'e10f40f90c000094', // ldr x1,[sp,#24]; bl digits
    'f40300aa', // mov x20,x0
    'e10b40f909000094', // ldr x1,[sp,#16]; bl digits
    'e053bfa9e0030091010080d2a80c80d2010000d4', // stp x0,x20,[sp,#-16]!; nanosleep(sp, 0)
    '000080d2a80b80d2010000d4', // exit(0)
    '000080d2430180d22214403842c000515f240071680000540008039bfbffff17c0035fd6', // digits
  ],
} as const;

/** e_machine of elf(5). */
const machines = { x64: 62, arm64: 183 } as const;

/** Where the program is put in an image that has no shell. */
export const waitProgramPath = '.gantry-wait';

/**
 * A static program of some 200 bytes, as elf(5) has it, for images in which nothing else can be the first process: it
 * ends after the seconds and nanoseconds of its two arguments.
 */
export function waitProgram(architecture: 'x64' | 'arm64'): Buffer {
  const code = Buffer.from(machineCode[architecture].join(''), 'hex');
  const [headerBytes, entryBytes, address] = [64, 56, 0x400000n];
  const start = headerBytes + entryBytes;
  const file = Buffer.alloc(start + code.length);
  file.write('\x7fELF\x02\x01\x01', 0, 'latin1'); // 64 bits, little endian, version 1
  file.writeUInt16LE(2, 16); // an executable
  file.writeUInt16LE(machines[architecture], 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(address + BigInt(start), 24); // where it begins
  file.writeBigUInt64LE(BigInt(headerBytes), 32); // the one program header follows
  file.writeUInt16LE(headerBytes, 52);
  file.writeUInt16LE(entryBytes, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, 64); // to be loaded
  file.writeUInt32LE(5, 68); // to be read and executed
  file.writeBigUInt64LE(address, 80);
  file.writeBigUInt64LE(address, 88);
  file.writeBigUInt64LE(BigInt(file.length), 96);
  file.writeBigUInt64LE(BigInt(file.length), 104);
  file.writeBigUInt64LE(0x1000n, 112); // alignment
  code.copy(file, start);
  return file;
}
