/** target[i] += source[i], rounded to float32: the one addition that every sum of gradients is made of. */
export function addInto(target: Float32Array, source: Float32Array): void {
  const length = target.length;
  for (let i = 0; i < length; i++) target[i] = target[i]! + source[i]!;
}
