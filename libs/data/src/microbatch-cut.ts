/** From update `step` on (counted from 1) every global batch is cut into so many microbatches. */
export interface MicrobatchCut {
  readonly step: number;
  readonly microbatches: number;
}

export interface Cuts {
  /** Of the run's first updates. */
  readonly microbatches: number;
  /** Later cuts, the earliest first. */
  readonly microbatchCuts?: readonly MicrobatchCut[] | undefined;
}

/** The microbatches that the global batch of an update, counted from 1, is cut into. */
export function microbatchesAt({ microbatches, microbatchCuts = [] }: Cuts, update: number): number {
  return microbatchCuts.findLast(({ step }) => step <= update)?.microbatches ?? microbatches;
}

/**
 * The next finer cut of a batch into equal microbatches: at least twice as many, and no more than that needs. Undefined
 * where microbatches are single captions. Each of `parts` equal parts of the batch is cut for itself.
 */
export function finerCut(batchSize: number, microbatches: number, parts = 1): number | undefined {
  if (parts > 1) {
    const finer = finerCut(batchSize / parts, microbatches / parts);
    return finer && finer * parts;
  }
  for (let next = 2 * microbatches; next <= batchSize; next++) if (batchSize % next === 0) return next;
  // Of an odd rest there is only the cut into single captions.
  return microbatches < batchSize ? batchSize : undefined;
}

/** All cuts that may be chosen of themselves, from the whole batch as one microbatch to single captions. */
export function cutsOf(batchSize: number): number[] {
  const cuts = [1];
  for (let cut = finerCut(batchSize, 1); cut !== undefined; cut = finerCut(batchSize, cut)) cuts.push(cut);
  return cuts;
}
