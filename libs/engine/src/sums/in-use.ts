interface Use {
  count: number;
  /** To be done when nothing uses the memory any more. */
  afterwards: (() => void)[];
}

/** Memory that work in the background reads or writes at this moment. */
const inUse = new WeakMap<ArrayBufferLike, Use>();

/** Starts work in the background over the memory of these arrays. */
export async function whileUsing<Result>(
  arrays: readonly ArrayBufferView[],
  start: () => Promise<Result>,
): Promise<Result> {
  const release = hold(arrays);
  try {
    return await start();
  } finally {
    release();
  }
}

/** Marks the memory of these arrays as used, until the function is called that this gives; once more it does nothing. */
export function hold(arrays: readonly ArrayBufferView[]): () => void {
  const buffers = new Set(arrays.map(({ buffer }) => buffer));
  for (const buffer of buffers) {
    const use = inUse.get(buffer);
    if (use === undefined) inUse.set(buffer, { count: 1, afterwards: [] });
    else use.count++;
  }
  return () => {
    for (const buffer of buffers) {
      buffers.delete(buffer);
      const use = inUse.get(buffer)!;
      if (--use.count > 0) continue;
      inUse.delete(buffer);
      for (const action of use.afterwards) action();
    }
  };
}

/** Calls `action` as soon as nothing uses this memory: at once, or when the last that does is done. */
export function whenUnused(buffer: ArrayBufferLike, action: () => void): void {
  const use = inUse.get(buffer);
  if (use === undefined) action();
  else use.afterwards.push(action);
}
