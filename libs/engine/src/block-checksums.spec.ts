import { beforeAll, describe, expect, test } from 'vitest';
import { blockChecksums } from './block-checksums.js';
import { checksumsOfCopies } from './checksums-of-copies.js';
import { hasKernels } from './kernels.js';
import { memory } from './memory.js';
import { startEngine } from './start-engine.js';
import { lookAtValues } from './sums/convert.js';
import { expectNoLeak } from './testing.js';
import { tf } from './tf.js';

beforeAll(() => startEngine({ device: 'cpu' }));

/** By the definition: all values in one array, cut into blocks. */
async function expected(values: Float32Array, block: number): Promise<number[]> {
  const checksums: number[] = [];
  for (let first = 0; first < values.length; first += block)
    checksums.push((await lookAtValues(values.subarray(first, first + block))).checksum);
  return checksums;
}

describe.each([
  ['blockChecksums', blockChecksums],
  ['checksumsOfCopies', checksumsOfCopies],
])('%s', (_, checksumsOf) => {
  test('cuts blocks across tensors, wherever these begin and end', async () => {
    expect(hasKernels()).toBe(true);
    const sizes = [3, 0, 1, 64, 1000, 1, 29];
    const values = Float32Array.from({ length: 1098 }, (_, i) => Math.sin(i) * 10 ** ((i % 60) - 30));
    let offset = 0;
    const tensors = sizes.map((size) => tf.tensor1d(values.slice(offset, (offset += size))));
    for (const block of [1, 7, 64, 1098, 1 << 20])
      expect([...(await checksumsOf(tensors, block))]).toEqual(await expected(values, block));
    tf.dispose(tensors);
  });

  test('sees every bit: of subnormal values, signs of zeros and payloads of NaN, too', async () => {
    const bits = Uint32Array.of(0x00000001, 0x80000000, 0x00000000, 0x7fc00001, 0xff800000, 0x3f800000);
    const values = new Float32Array(bits.buffer);
    const tensor = tf.tensor2d(values, [2, 3]);
    expect([...(await checksumsOf([tensor], 4))]).toEqual(await expected(values, 4));
    tensor.dispose();
  });

  test('reads variables as they are now', async () => {
    const variable = tf.variable(tf.fill([5, 5], 1));
    variable.assign(tf.fill([5, 5], 2));
    expect([...(await checksumsOf([variable], 16))]).toEqual(
      await expected(new Float32Array(25).fill(2), 16),
    );
    variable.dispose();
  });

  test('of nothing there is none', async () => {
    expect([...(await checksumsOf([], 4))]).toEqual([]);
    await expectNoLeak(() => checksumsOf([], 4));
  });
});

test('holds no buffer afterwards', async () => {
  const resident: number[] = [];
  for (let i = 0; i < 12; i++) {
    const tensor = tf.fill([16 << 20], i);
    expect(await blockChecksums([tensor], 1 << 20)).toHaveLength(16);
    tensor.dispose();
    resident.push(memory().residentBytes);
  }
  // Each of those that were held on would add 64 MiB.
  expect(resident.at(-1)! - resident[3]!).toBeLessThan(64 << 20);
});
