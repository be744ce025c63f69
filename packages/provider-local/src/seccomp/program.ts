/** One instruction of classic BPF, as in linux/filter.h: struct sock_filter. */
export interface Instruction {
  readonly code: number;
  /** Instructions to skip when the comparison holds, and when it does not. */
  readonly ifTrue: number;
  readonly ifFalse: number;
  readonly operand: number;
}

/** What the kernel does with a call, from linux/seccomp.h. */
export const actions = {
  allow: 0x7fff0000,
  killProcess: 0x80000000,
  error: (number: number): number => 0x00050000 | number,
} as const;

/** Offsets into struct seccomp_data, of which the low half of an argument comes first (little-endian). */
export const dataOffsets = {
  number: 0,
  architecture: 4,
  argument: (index: number): number => 16 + 8 * index,
} as const;

// linux/bpf_common.h: class, size or operation, and addressing mode in one number.
const LOAD_WORD = 0x20;
const AND = 0x54;
const RETURN = 0x06;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_ANY_BIT = 0x45;

const plain = (code: number, operand: number): Instruction => ({
  ...{ code, operand, ifTrue: 0, ifFalse: 0 },
});

/** Loads 32 bits of struct seccomp_data. */
export const load = (offset: number): Instruction => plain(LOAD_WORD, offset);

/** Keeps only these bits of what is loaded. */
export const mask = (bits: number): Instruction => plain(AND, bits);

/** Ends the filter with an action. */
export const end = (action: number): Instruction => plain(RETURN, action);

type Comparison = 'equals' | 'at-least' | 'any-bit-of';

const comparisons: Readonly<Record<Comparison, number>> = {
  equals: JUMP_EQUAL,
  'at-least': JUMP_AT_LEAST,
  'any-bit-of': JUMP_ANY_BIT,
};

/** Does `body` when what is loaded equals `value`, is at least it, or has any of its bits. */
export function when(
  comparison: Comparison,
  value: number,
  body: readonly Instruction[],
): readonly Instruction[] {
  return [branch(comparison, value, 0, body.length), ...body];
}

/** Does `body` in every case but those of `when`. */
export function unless(
  comparison: Comparison,
  value: number,
  body: readonly Instruction[],
): readonly Instruction[] {
  return [branch(comparison, value, body.length, 0), ...body];
}

function branch(
  comparison: Comparison,
  operand: number,
  ifTrue: number,
  ifFalse: number,
): Instruction {
  if (ifTrue > 255 || ifFalse > 255) throw new RangeError('a BPF jump skips 255 at the most');
  return { code: comparisons[comparison], ifTrue, ifFalse, operand };
}

/** The program as the kernel reads it on a little-endian machine. */
export function encode(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(({ code, ifTrue, ifFalse, operand }, index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(operand >>> 0, index * 8 + 4);
  });
  return bytes;
}
