import { startEngine, tf } from '@captrain/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import { mapperConfig, type MapperConfig } from '../config.js';
import { tensorsOfValues } from '../load-parameters.js';
import type { ParameterValues } from '../parameters.js';
import { RandomStream } from '../random.js';
import { initMapper, mapPrefix, mapperShapes } from './mapper.js';

beforeAll(() => startEngine({ device: 'cpu' }));

const widths = { embeddingDim: 5, width: 8 };
const small = { prefixLength: 3, clipLength: 2, mapperLayers: 2, mapperHeads: 2 };
const configOf = (overrides: Partial<MapperConfig>) => mapperConfig.parse({ ...small, ...overrides });
const embeddings = Array.from({ length: 2 }, (_, row) => [...new RandomStream(row, 'image').normal(5, 1)]);

function prefixes(config: MapperConfig, values: ParameterValues, rows = embeddings): number[][][] {
  const parameters = tensorsOfValues(mapperShapes(config, widths), values);
  return mapPrefix(parameters, config, tf.tensor2d(rows)).arraySync();
}

function expectClose(a: number[][], b: number[][]): void {
  expect(a.length).toBe(b.length);
  a.flat().forEach((value, index) => expect(value).toBeCloseTo(b.flat()[index]!, 4));
}

test.each(['mlp', 'transformer'] as const)(
  'the %s mapper equals the reference written out in plain numbers',
  (mapper) => {
    const config = configOf({ mapper });
    const values = initMapper(config, widths, 4);
    const plain = mapper === 'mlp' ? plainMlp : plainTransformer;
    prefixes(config, values).forEach((prefix, row) =>
      expectClose(prefix, plain(values, config, embeddings[row]!)),
    );
  },
);

test.each(['mlp', 'transformer'] as const)('normalised, the %s mapper sees only the direction', (mapper) => {
  const config = configOf({ mapper, normalizePrefix: true });
  const values = initMapper(config, widths, 4);
  const scaled = embeddings.map((row) => row.map((value) => value * 7));
  prefixes(config, values).forEach((prefix, row) =>
    expectClose(prefix, prefixes(config, values, scaled)[row]!),
  );
});

describe("new weights are PyTorch's", () => {
  test('full-size shapes and counts are those of the reference', () => {
    const full = { embeddingDim: 512, width: 768 };
    const count = (mapper: 'mlp' | 'transformer') =>
      [...mapperShapes(mapperConfig.parse({ mapper }), full).values()].reduce(
        (sum, shape) => sum + shape.reduce((product, size) => product * size, 1),
        0,
      );
    expect(count('mlp')).toBe(512 * 3840 + 3840 + 3840 * 7680 + 7680);
    const layer = 4 * 768 + 4 * 768 * 768 + 768 + 2 * 1536 * 768 + 1536 + 768;
    expect(count('transformer')).toBe(10 * 768 + 512 * 7680 + 7680 + 8 * layer);
  });

  test.each(['mlp', 'transformer'] as const)(
    '%s: the same for the same seed, uniform within 1/√inputs',
    (mapper) => {
      const config = configOf({ mapper });
      const values = initMapper(config, widths, 4);
      expect(values).toEqual(initMapper(config, widths, 4));
      expect(values).not.toEqual(initMapper(config, widths, 5));
      expect(new Set(values.keys())).toEqual(new Set(mapperShapes(config, widths).keys()));
      const first = mapper === 'mlp' ? 'clip_project.model.0' : 'clip_project.linear';
      for (const part of ['weight', 'bias']) {
        const largest = Math.max(...values.get(`${first}.${part}`)!.map(Math.abs));
        expect(largest).toBeLessThanOrEqual(1 / Math.sqrt(5));
        expect(largest).toBeGreaterThan(0.8 / Math.sqrt(5));
      }
    },
  );
});

type Plain = (values: ParameterValues, config: MapperConfig, embedding: number[]) => number[][];

/** A Linear of PyTorch: weight rows are outputs. */
function affine(values: ParameterValues, name: string, x: number[]): number[] {
  const weight = values.get(`${name}.weight`)!;
  const bias = values.get(`${name}.bias`);
  return Array.from({ length: weight.length / x.length }, (_, out) =>
    x.reduce((sum, value, i) => sum + value * weight[out * x.length + i]!, bias?.[out] ?? 0),
  );
}

function rowsOf(flat: number[], width: number): number[][] {
  return Array.from({ length: flat.length / width }, (_, row) => flat.slice(row * width, (row + 1) * width));
}

const plainMlp: Plain = (values, _, embedding) =>
  rowsOf(
    affine(values, 'clip_project.model.2', affine(values, 'clip_project.model.0', embedding).map(Math.tanh)),
    widths.width,
  );

const plainTransformer: Plain = (values, config, embedding) => {
  const { width } = widths;
  const norm = (x: number[], name: string) => {
    const mean = x.reduce((sum, value) => sum + value, 0) / width;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    const [gain, bias] = [values.get(`${name}.weight`)!, values.get(`${name}.bias`)!];
    return x.map((value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * gain[i]! + bias[i]!);
  };
  const clip = rowsOf(affine(values, 'clip_project.linear', embedding), width);
  let rows = [...clip, ...rowsOf([...values.get('clip_project.prefix_const')!], width)];
  for (let layer = 0; layer < config.mapperLayers; layer++) {
    const name = `clip_project.transformer.layers.${layer}`;
    const normal = rows.map((x) => norm(x, `${name}.norm1`));
    const queries = normal.map((x) => affine(values, `${name}.attn.to_queries`, x));
    const keysValues = normal.map((x) => affine(values, `${name}.attn.to_keys_values`, x));
    const size = width / config.mapperHeads;
    rows = rows.map((x, t) => {
      const mixed = Array.from({ length: width }, (_, i) => {
        const start = Math.floor(i / size) * size;
        const scores = keysValues.map((other) => {
          let dot = 0;
          for (let e = start; e < start + size; e++) dot += queries[t]![e]! * other[e]!;
          return Math.exp(dot / Math.sqrt(size));
        });
        const total = scores.reduce((sum, score) => sum + score, 0);
        return scores.reduce((sum, score, s) => sum + (score / total) * keysValues[s]![width + i]!, 0);
      });
      const out = affine(values, `${name}.attn.project`, mixed);
      return x.map((value, i) => value + out[i]!);
    });
    rows = rows.map((x) => {
      const inner = affine(values, `${name}.mlp.fc1`, norm(x, `${name}.norm2`)).map((value) =>
        Math.max(0, value),
      );
      const out = affine(values, `${name}.mlp.fc2`, inner);
      return x.map((value, i) => value + out[i]!);
    });
  }
  return rows.slice(config.clipLength);
};
