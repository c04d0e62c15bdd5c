import type { ParameterShapes, ParameterValues } from '../parameters.js';
import { RandomStream } from '../random.js';

/**
 * A small model whose results are kept beside PyTorch's. `npm run parity -- --golden` computes the same from the same
 * folder in PyTorch (`bench/peers/parity/golden.py`, by `kind`) and writes `golden.json`; the tests compare with that.
 */
export interface GoldenCase {
  name: string;
  kind: 'gpt2' | 'captioner' | 'clip' | 'open_clip';
  /** Writes the model, its weights made from a seed, and `input.json`. */
  write(folder: string): Promise<void>;
  /** captrain's results from that folder. */
  compute(folder: string): Promise<GoldenValues>;
}

/** Numbers or texts by name. */
export type GoldenValues = Record<string, readonly (number | string)[]>;

/** Moves biases and gains away from the 0s and 1s of new weights, which would hide a forgotten one. */
export function scattered(shapes: ParameterShapes, values: ParameterValues, seed: number): ParameterValues {
  const moved: ParameterValues = new Map();
  for (const [name, shape] of shapes) {
    const data = values.get(name)!;
    const noise =
      shape.length <= 1 ? new RandomStream(seed, `scatter ${name}`).normal(data.length, 0.1) : undefined;
    moved.set(name, noise === undefined ? data : data.map((value, i) => value + noise[i]!));
  }
  return moved;
}
