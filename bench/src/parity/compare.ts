/** Distances between two arrays of the same length; others throw. Sums are taken in double precision. */

export function maxAbsDifference(ours: Float32Array, theirs: Float32Array): number {
  requireSameLength(ours, theirs);
  let largest = 0;
  for (let i = 0; i < ours.length; i++) {
    const difference = Math.abs(ours[i]! - theirs[i]!);
    if (Number.isNaN(difference)) return NaN;
    largest = Math.max(largest, difference);
  }
  return largest;
}

/** |ours − theirs| / |theirs|, in Euclid's norm. */
export function relativeL2(ours: Float32Array, theirs: Float32Array): number {
  requireSameLength(ours, theirs);
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < ours.length; i++) {
    difference += (ours[i]! - theirs[i]!) ** 2;
    norm += theirs[i]! ** 2;
  }
  return Math.sqrt(difference / norm);
}

export function cosine(ours: Float32Array, theirs: Float32Array): number {
  requireSameLength(ours, theirs);
  let product = 0;
  let [a, b] = [0, 0];
  for (let i = 0; i < ours.length; i++) {
    product += ours[i]! * theirs[i]!;
    a += ours[i]! ** 2;
    b += theirs[i]! ** 2;
  }
  return product / Math.sqrt(a * b);
}

function requireSameLength(a: Float32Array, b: Float32Array): void {
  if (a.length !== b.length) throw new Error(`${a.length} values beside ${b.length}`);
}
