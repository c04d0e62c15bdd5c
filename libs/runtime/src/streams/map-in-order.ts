/**
 * Applies an asynchronous function to a source's items, at most `ahead` of them at a time, and gives the results
 * in the source's order. An error of the source or the function ends it, in its turn.
 */
export async function* mapInOrder<Item, Result>(
  source: AsyncIterable<Item> | Iterable<Item>,
  ahead: number,
  apply: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const started: Promise<Result>[] = [];
  try {
    for await (const item of source) {
      const result = apply(item);
      result.catch(() => {}); // its turn reports it
      started.push(result);
      if (started.length >= ahead) yield await started.shift()!;
    }
    while (started.length > 0) yield await started.shift()!;
  } finally {
    await Promise.allSettled(started);
  }
}

/** The source's items in groups of `size`, the last one maybe smaller. */
export async function* inBatches<Item>(
  source: AsyncIterable<Item> | Iterable<Item>,
  size: number,
): AsyncGenerator<Item[]> {
  let batch: Item[] = [];
  for await (const item of source) {
    batch.push(item);
    if (batch.length === size) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
