/**
 * One value at one place of the package's own result model, from either side. What a rule needs to
 * know of where our value came from is beside it.
 */
export interface Leaf {
  readonly value: string;
  /** The code system's object identifier, beside its name or a code. */
  readonly system?: string;
}

/** Path in the model, for example `encounters[0].date_time.low.date`, -> its value. */
export type Leaves = ReadonlyMap<string, Leaf>;

/** How many characters of an ISO 8601 time each precision has. */
export const precisions: ReadonlyMap<string, number> = new Map([
  ['year', 4],
  ['month', 7],
  ['day', 10],
  ['hour', 13],
  ['minute', 16],
  ['second', 19],
]);
