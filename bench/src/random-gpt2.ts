import { type Gpt2Config, RandomStream, gpt2Config, gpt2Shapes, writeModelFolder } from '@captrain/model';

export const GPT2_SMALL = gpt2Config.parse({});
export const GPT2_XL = gpt2Config.parse({ n_embd: 1600, n_layer: 48, n_head: 25 });

/**
 * Values that all tensors are cut from: random, and not half a minute's work for a billion of them. A prime, so that
 * no two rows of a tensor are the same.
 */
const POOL = 4_194_301;

/**
 * Writes a GPT-2 with random weights (gains of layer norms around 1, all else around 0), tensor by tensor, and returns
 * its size as float32 in bytes.
 */
export function writeRandomGpt2(folder: string, config: Gpt2Config): number {
  const pool = new RandomStream(1, 'pool').normal(POOL, 0.02);
  let bytes = 0;
  const shapes = gpt2Shapes(config);
  const values = new Map<string, () => Float32Array>();
  for (const [name, shape] of shapes) {
    const count = shape.reduce((product, size) => product * size, 1);
    bytes += 4 * count;
    const start = values.size;
    const around = /\.ln_\w+\.weight$/.test(name) ? 1 : 0;
    values.set(name, () => tile(pool, count, start).map((value) => value + around));
  }
  writeModelFolder(folder, { config, shapes, values });
  return bytes;
}

/** So many values of the pool, round and round, from a place that differs from tensor to tensor. */
function tile(pool: Float32Array, count: number, tensor: number): Float32Array {
  const values = new Float32Array(count);
  let from = (tensor * 104_729) % pool.length;
  for (let filled = 0; filled < count; from = 0) {
    const piece = pool.subarray(from, from + count - filled);
    values.set(piece, filled);
    filled += piece.length;
  }
  return values;
}
