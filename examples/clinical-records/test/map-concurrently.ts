/**
 * Runs `work` on every item, at most `concurrency` at a time, and returns the results in the order of
 * the items. When one rejects, no further one is started, and the rejection is passed on once those
 * that run have ended.
 */
export async function mapConcurrently<Item, Result>(
  items: readonly Item[],
  concurrency: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = items.entries();
  let failed = false;
  const lane = async (): Promise<void> => {
    for (const [index, item] of waiting) {
      if (failed) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: concurrency }, lane));
  const rejection = lanes.find((one) => one.status === 'rejected');
  if (rejection !== undefined) throw rejection.reason;
  return results;
}
