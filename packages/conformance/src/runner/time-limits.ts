/** Every limit of the suite, in milliseconds, before a subject's scale. The one table of times. */
const limits = {
  /** One check, from its start to its last assertion. */
  check: 20_000,
  /** What is done promptly: an abort, a kill, an answer from a live sandbox. */
  prompt: 4_000,
  /** What happens by itself soon: a lifetime that ends, processes that disappear. */
  settle: 8_000,
  /** A command that does next to nothing. */
  command: 8_000,
  /** Another process, with all that it does. */
  otherProcess: 15_000,
  /** The removal of one sandbox. */
  destroy: 15_000,
} as const;

/** Times that something is given, which a scale may lengthen and never shortens. */
const spans = {
  /** How long something that must not happen is waited for. */
  quiet: 300,
  /** After which a command is stopped that has to have begun by then. */
  brief: 700,
  /** The life of a sandbox that is to end by itself, and to be used before. */
  lifetime: 2_500,
} as const;

/** The limits and spans of one run. */
export type TimeLimits = Readonly<Record<keyof typeof limits | keyof typeof spans, number>>;

/** The tables, multiplied by a subject's scale. */
export function timeLimits(scale: number): TimeLimits {
  const times = (table: Readonly<Record<string, number>>, factor: number): [string, number][] =>
    Object.entries(table).map(([name, value]) => [name, value * factor]);
  const scaled = [...times(limits, scale), ...times(spans, Math.max(1, scale))];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the tables' own names
  return Object.fromEntries(scaled) as unknown as TimeLimits;
}

/** Waits for something, but no longer than a limit; `late` makes the error. */
export async function within<Result>(
  milliseconds: number,
  work: Promise<Result>,
  late: () => Error,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), milliseconds);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}
