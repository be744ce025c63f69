import { describe, expect, test } from 'vitest';
import { type FilterArchitecture, hasFilter, seccompFilter } from './filter.ts';
import { encode } from './program.ts';
import { inspectedCalls, refusedCalls } from './syscall-numbers.ts';

const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const error = (number: number): number => 0x00050000 + number;
const [EPERM, ENOSYS, EAFNOSUPPORT] = [1, 38, 97] as const;
const machines = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;

/** Runs a filter as the kernel does (linux/filter.h), on the bytes that it is given. */
function decide(program: Buffer, machine: number, call: number, ...args: number[]): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call, 0);
  data.writeUInt32LE(machine, 4);
  args.forEach((value, index) => data.writeBigUInt64LE(BigInt(value), 16 + 8 * index));
  let loaded = 0;
  for (let index = 0; index < program.length / 8; index += 1) {
    const at = index * 8;
    const [code, operand] = [program.readUInt16LE(at), program.readUInt32LE(at + 4)];
    const jump = (holds: boolean): void => {
      index += program.readUInt8(at + (holds ? 2 : 3));
    };
    if (code === 0x20) loaded = data.readUInt32LE(operand);
    else if (code === 0x54) loaded = (loaded & operand) >>> 0;
    else if (code === 0x15) jump(loaded === operand);
    else if (code === 0x35) jump(loaded >= operand);
    else if (code === 0x45) jump((loaded & operand) !== 0);
    else if (code === 0x06) return operand;
    else throw new Error(`instruction ${index} is unknown: ${code}`);
  }
  throw new Error('the filter has no end');
}

describe.each(['x64', 'arm64'] as const)(
  'the filter for %s',
  (architecture: FilterArchitecture) => {
    const program = encode(seccompFilter(architecture));
    const machine = machines[architecture];
    const number = (name: keyof typeof inspectedCalls): number =>
      inspectedCalls[name][architecture];
    const answer = (call: number, ...args: number[]): number =>
      decide(program, machine, call, ...args);

    test('is small enough for the kernel and ends on every path', () => {
      expect(program.length / 8).toBeLessThan(4096);
      for (let call = 0; call < 1024; call += 1) expect(() => answer(call)).not.toThrow();
    });

    test('refuses every call of the list, and only those among the rest', () => {
      const refused = Object.values(refusedCalls).flatMap((numbers) => numbers[architecture] ?? []);
      expect(new Set(refused).size).toBe(refused.length);
      for (const call of refused) expect(answer(call), String(call)).toBe(error(EPERM));
      const inspected = new Set(
        Object.values(inspectedCalls).map((numbers) => numbers[architecture]),
      );
      const allowed = Array.from({ length: 500 }, (_, call) => call).filter(
        (call) => !refused.includes(call) && !inspected.has(call),
      );
      expect(allowed.filter((call) => answer(call) !== ALLOW)).toEqual([]);
    });

    test('kills callers of another interface', () => {
      const other = architecture === 'x64' ? machines.arm64 : machines.x64;
      expect(decide(program, other, 0)).toBe(KILL);
      expect(decide(program, 0x40000003, 0)).toBe(KILL);
      expect(answer(0x40000000)).toBe(architecture === 'x64' ? KILL : ALLOW);
    });

    test('lets clone make threads and processes, and no namespaces', () => {
      expect(answer(number('clone'), 0x003d0f00)).toBe(ALLOW);
      expect(answer(number('clone'), 17)).toBe(ALLOW);
      for (const bit of [17, 25, 26, 27, 28, 29, 30]) {
        expect(answer(number('clone'), 2 ** bit + 17), `bit ${bit}`).toBe(error(EPERM));
      }
      expect(answer(number('clone3'))).toBe(error(ENOSYS));
    });

    test('allows unix, internet and route sockets only, none of them raw', () => {
      const socket = (...args: number[]): number => answer(number('socket'), ...args);
      for (const type of [1, 2, 5, 1 + 0o2004000]) {
        for (const family of [1, 2, 10]) expect(socket(family, type, 0)).toBe(ALLOW);
      }
      for (const family of [2, 10]) {
        for (const type of [3, 10, 3 + 0o2004000])
          expect(socket(family, type, 1)).toBe(error(EPERM));
      }
      expect(socket(16, 3, 0)).toBe(ALLOW);
      for (const protocol of [2, 5, 9, 12, 15, 16])
        expect(socket(16, 3, protocol)).toBe(error(EPERM));
      for (const family of [0, 3, 4, 9, 15, 17, 21, 29, 30, 31, 38, 40, 44, 45]) {
        expect(socket(family, 1, 0), `family ${family}`).toBe(error(EAFNOSUPPORT));
      }
      expect(answer(number('socketpair'), 1, 1, 0)).toBe(ALLOW);
      expect(answer(number('socketpair'), 30, 1, 0)).toBe(error(EAFNOSUPPORT));
    });

    test('keeps terminals from being typed into', () => {
      expect(answer(number('ioctl'), 0, 0x5412)).toBe(error(EPERM));
      expect(answer(number('ioctl'), 0, 0x541c)).toBe(error(EPERM));
      expect(answer(number('ioctl'), 0, 0x5413)).toBe(ALLOW);
    });
  },
);

test('there is no filter for other machines', () => {
  expect(['ia32', 'arm', 'ppc64', 'riscv64', 's390x', 'loong64', ''].filter(hasFilter)).toEqual([]);
});
