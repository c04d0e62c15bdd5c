import { chunkRanges } from './chunk-range.js';

/** Chunks that are worked on at a time. */
const CHUNKS_UNDER_WAY = 2;

/**
 * Works through the values [first, end) chunk by chunk, some at a time. Ends early with the signal's reason, or with what
 * a piece of work throws; either way nothing is being worked on any more when the promise settles.
 */
export async function inChunks(
  range: { readonly first: number; readonly end: number },
  signal: AbortSignal,
  work: (chunk: { readonly first: number; readonly end: number }) => Promise<unknown>,
): Promise<void> {
  const chunks = chunkRanges({ ...range, format: 'float32', leaves: 1 });
  let failed = false;
  const lane = async () => {
    for (let next = chunks.next(); !next.done; next = chunks.next()) {
      if (failed) return;
      signal.throwIfAborted();
      await work(next.value);
    }
  };
  const lanes = Array.from({ length: CHUNKS_UNDER_WAY }, () =>
    lane().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  await Promise.allSettled(lanes);
  await Promise.all(lanes);
}
