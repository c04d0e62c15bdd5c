/** As in bench/peers/exchange/gloo.py. */
const PERIOD = 13;

/** Positions between those that are looked at after an exchange; no multiple of a chunk divides it. */
const STRIDE = 997;

/**
 * Fills a gradient with small whole numbers that differ from worker to worker: their sum is exact in bfloat16 too, for
 * up to 17 workers.
 */
export function fillGradient(gradient: Float32Array, worker: number): void {
  for (let i = 0; i < PERIOD && i < gradient.length; i++) gradient[i] = i + worker;
  // Each time as much again as there is already.
  for (let filled = PERIOD; filled < gradient.length; filled *= 2)
    gradient.copyWithin(filled, 0, Math.min(filled, gradient.length - filled));
}

/** Throws where `gradient` is not the sum over the workers 0 to `workers` - 1 in its first `end` values. */
export function verifySum(gradient: Float32Array, workers: number, end: number): void {
  const least = (workers * (workers - 1)) / 2;
  const check = (i: number) => {
    const expected = (i % PERIOD) * workers + least;
    if (gradient[i] !== expected)
      throw new Error(`value ${i} of the sum over ${workers} workers is ${gradient[i]}, not ${expected}`);
  };
  for (let i = 0; i < end; i += STRIDE) check(i);
  check(end - 1);
}
