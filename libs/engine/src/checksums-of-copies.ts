import { lookAtValues } from './sums/convert.js';
import type { tf } from './tf.js';

/** What `blockChecksums` gives, by copies of the tensors' values, one tensor's at a time. */
export async function checksumsOfCopies(
  tensors: readonly tf.Tensor[],
  blockValues: number,
): Promise<Uint32Array> {
  const checksums: number[] = [];
  const block = new Float32Array(blockValues);
  let filled = 0;
  const finishBlock = async () => {
    checksums.push((await lookAtValues(block.subarray(0, filled))).checksum);
    filled = 0;
  };
  for (const tensor of tensors) {
    const copy = tensor.dataSync() as Float32Array;
    for (let first = 0; first < copy.length;) {
      const part = copy.subarray(first, first + blockValues - filled);
      block.set(part, filled);
      [first, filled] = [first + part.length, filled + part.length];
      if (filled === blockValues) await finishBlock();
    }
  }
  if (filled > 0) await finishBlock();
  return Uint32Array.from(checksums);
}
