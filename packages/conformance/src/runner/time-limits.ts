/** Every limit of the suite, in milliseconds, before a subject's scale. The one table of times. */
const table = {
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
  /** How long something that must not happen is waited for. */
  quiet: 300,
} as const;

/** The name of a limit. */
type LimitName = keyof typeof table;

/** The limits of one run. */
export type TimeLimits = Readonly<Record<LimitName, number>>;

/** The table, multiplied by a subject's scale. */
export function timeLimits(scale: number): TimeLimits {
  const scaled = Object.entries(table).map(([name, value]) => [name, value * scale] as const);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the table's own names
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
