/** Layers written out in loops over doubles, from their definitions: what the tensor code is compared with. */
import { expect } from 'vitest';
import type { ParameterValues } from './parameters.js';

/** One sequence: a row of values for each position. */
export type Rows = number[][];

/** y = W x + b; the weight's rows are outputs (`out-in`, PyTorch's Linear) or inputs (`in-out`, GPT-2's Conv1D). */
export function plainAffine(values: ParameterValues, name: string, x: number[], layout = 'out-in'): number[] {
  const weight = values.get(`${name}.weight`)!;
  const bias = values.get(`${name}.bias`);
  const outputs = weight.length / x.length;
  return Array.from({ length: outputs }, (_, out) =>
    x.reduce(
      (sum, value, i) => sum + value * weight[layout === 'out-in' ? out * x.length + i : i * outputs + out]!,
      bias?.[out] ?? 0,
    ),
  );
}

export function plainNorm(values: ParameterValues, name: string, x: number[], epsilon = 1e-5): number[] {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  const [gain, bias] = [values.get(`${name}.weight`)!, values.get(`${name}.bias`)!];
  return x.map((value, i) => ((value - mean) / Math.sqrt(variance + epsilon)) * gain[i]! + bias[i]!);
}

/** Softmax attention of several heads, without the maps before and after it. */
export function plainAttention(
  { queries, keys, values }: { queries: Rows; keys: Rows; values: Rows },
  { heads, causal, scale }: { heads: number; causal: boolean; scale?: number },
): Rows {
  const size = queries[0]!.length / heads;
  return queries.map((query, t) =>
    query.map((_, i) => {
      const start = Math.floor(i / size) * size;
      const scores = keys.slice(0, causal ? t + 1 : undefined).map((key) => {
        let dot = 0;
        for (let e = start; e < start + size; e++) dot += query[e]! * key[e]!;
        return Math.exp(dot * (scale ?? 1 / Math.sqrt(size)));
      });
      const total = scores.reduce((sum, score) => sum + score, 0);
      return scores.reduce((sum, score, s) => sum + (score / total) * values[s]![i]!, 0);
    }),
  );
}

export function plainAdd(a: Rows, b: Rows): Rows {
  return a.map((row, t) => row.map((value, i) => value + b[t]![i]!));
}

/** A flat array as rows of this width. */
export function rowsOf(flat: ArrayLike<number>, width: number): Rows {
  const values = Array.from(flat);
  return Array.from({ length: values.length / width }, (_, row) =>
    values.slice(row * width, (row + 1) * width),
  );
}

export function plainGeluTanh(x: number): number {
  return (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** Expects the same shape, and values within a limit. */
export function expectClose(a: Rows, b: Rows, limit = 1e-4): void {
  expect(a.map((row) => row.length)).toEqual(b.map((row) => row.length));
  const largest = Math.max(...a.flatMap((row, t) => row.map((value, i) => Math.abs(value - b[t]![i]!))));
  expect(largest).toBeLessThan(limit);
}
