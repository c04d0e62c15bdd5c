/** Positions `start` (included) to `end` (not included) in an epoch's sample order. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** What a step is, whoever computes it. */
export interface StepPlan extends Range {
  /** Counted from 0. */
  readonly epoch: number;
  /** The step's positions in order, cut; there is at least one microbatch, and none is empty. */
  readonly microbatches: readonly Range[];
}

export interface BatchOptions {
  /** Captions of a global batch: a multiple of `microbatches`. */
  readonly batchSize: number;
  /** Parts that a global batch is cut into. */
  readonly microbatches: number;
}

export interface LengthOptions extends BatchOptions {
  readonly epochs: number;
  /** Steps to train, instead of epochs. */
  readonly steps?: number | undefined;
}

/** Steps until each of `captions` captions has been seen once. The last may be short. */
export function stepsPerEpoch(captions: number, { batchSize }: BatchOptions): number {
  return Math.ceil(captions / batchSize);
}

/** Steps of a whole run. */
export function totalSteps(captions: number, options: LengthOptions): number {
  return options.steps ?? stepsPerEpoch(captions, options) * options.epochs;
}

/**
 * The plan of a step, counted from 0 over the whole run. Step s of an epoch covers the positions
 * [s·B, min((s+1)·B, captions)) in microbatches of B/M, so that every caption comes once an epoch; the last step of
 * an epoch can have fewer microbatches, and its last one can be short.
 */
export function stepPlan(
  captions: number,
  { batchSize, microbatches }: BatchOptions,
  step: number,
): StepPlan {
  if (!(captions > 0) || batchSize % microbatches !== 0 || step < 0)
    throw new RangeError(
      `no plan for ${captions} captions, batch ${batchSize} of ${microbatches}, step ${step}`,
    );
  const steps = Math.ceil(captions / batchSize);
  const epoch = Math.floor(step / steps);
  const start = (step - epoch * steps) * batchSize;
  const end = Math.min(start + batchSize, captions);
  return { epoch, start, end, microbatches: microbatchRanges({ start, end }, batchSize / microbatches) };
}

/** A step's positions in pieces of `size`; the last is shorter where they do not divide. */
export function microbatchRanges({ start, end }: Range, size: number): Range[] {
  const ranges: Range[] = [];
  for (let at = start; at < end; at += size) ranges.push({ start: at, end: Math.min(at + size, end) });
  return ranges;
}
