import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ExitStatus } from '@gantry/core/driver';
import type { ProcessIdentity } from '@gantry/core/node';
import { z } from 'zod';
import { badRecord, isErrno } from '../errors.ts';
import { identitySchema } from '../identity-schema.ts';

/** An output of a detached process. */
export type OutputName = 'stdout' | 'stderr';

/** A detached process that has started, as its recorder has noted it. */
export interface DetachedProcess {
  /** Its id in the sandbox, as the sandbox says. */
  readonly pid: number;
  /** What all processes of the command carry, daemons too (`commandMembers`). */
  readonly mark: string;
  /** The process of the host that keeps what it writes. */
  readonly recorder: ProcessIdentity;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
}

/** How a detached process ended, or why that cannot be known. */
export type DetachedEnd =
  | { readonly exit: ExitStatus }
  | { readonly lost: { readonly message: string } };

/** The end of one output: its length in bytes, and why what follows `size` is missing, if anything is. */
export interface OutputEnd {
  readonly size: number;
  readonly lost?: string;
}

const processSchema: z.ZodType<DetachedProcess> = z.strictObject({
  pid: z
    .int()
    .min(2)
    .max(2 ** 31 - 1),
  mark: z.string().regex(/^[1-9]\d{0,18}$/),
  recorder: identitySchema,
  startedAt: z.int().min(0),
});

const signal: z.ZodType<`SIG${string}`> = z.templateLiteral(['SIG', z.string()]);
const endSchema = z.union([
  z.strictObject({
    exit: z.union([
      z.strictObject({ code: z.int() }),
      z.strictObject({ signal }),
      z.strictObject({ unknown: z.string() }),
    ]),
  }),
  z.strictObject({ lost: z.strictObject({ message: z.string() }) }),
]);
const outputEndSchema = z.strictObject({ size: z.int().min(0), lost: z.string().optional() });

/** The files of one detached process, in a directory of the host that no guest reaches. */
export class DetachedFiles {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  segment(output: OutputName, offset: number): string {
    return path.join(this.directory, `${output}.${offset}`);
  }

  /** The offsets of the first bytes of an output's segments, ascending. */
  segments(output: OutputName): number[] {
    return readdirSync(this.directory)
      .map((name) => new RegExp(`^${output}\\.(\\d{1,16})$`).exec(name)?.[1])
      .filter((text) => text !== undefined)
      .map(Number)
      .toSorted((a, b) => a - b);
  }

  process(): DetachedProcess | undefined {
    const value = this.#read('process.json');
    return value === undefined
      ? undefined
      : this.#checked('process.json', processSchema.safeParse(value));
  }

  end(): DetachedEnd | undefined {
    const value = this.#read('end.json');
    return value === undefined ? undefined : this.#checked('end.json', endSchema.safeParse(value));
  }

  outputEnd(output: OutputName): OutputEnd | undefined {
    const name = `${output}.end.json`;
    const value = this.#read(name);
    if (value === undefined) return undefined;
    const { size, lost } = this.#checked(name, outputEndSchema.safeParse(value));
    return lost === undefined ? { size } : { size, lost };
  }

  writeProcess(process: DetachedProcess): void {
    this.#write('process.json', process);
  }

  writeEnd(end: DetachedEnd): void {
    this.#write('end.json', end);
  }

  writeOutputEnd(output: OutputName, end: OutputEnd): void {
    this.#write(`${output}.end.json`, end);
  }

  #read(name: string): unknown {
    try {
      return JSON.parse(readFileSync(path.join(this.directory, name), 'utf8'));
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw badRecord(path.join(this.directory, name), 'it cannot be read', error);
    }
  }

  /** At once: a reader sees the whole file or none. */
  #write(name: string, value: unknown): void {
    const file = path.join(this.directory, name);
    writeFileSync(`${file}.new`, JSON.stringify(value), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  #checked<T>(name: string, result: z.ZodSafeParseResult<T>): T {
    if (result.success) return result.data;
    throw badRecord(path.join(this.directory, name), z.prettifyError(result.error));
  }
}
