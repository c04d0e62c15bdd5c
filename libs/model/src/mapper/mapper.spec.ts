import { startEngine, tf } from '@captrain/engine';
import { beforeAll, describe, expect, test } from 'vitest';
import { mapperConfig, type MapperConfig } from '../config.js';
import { tensorsOfValues } from '../load-parameters.js';
import type { ParameterValues } from '../parameters.js';
import { expectClose } from '../plain-math.cases.js';
import { RandomStream } from '../random.js';
import { initMapper, mapPrefix, mapperShapes } from './mapper.js';
import { plainMlp, plainTransformer } from './plain-mappers.cases.js';

beforeAll(() => startEngine({ device: 'cpu' }));

const widths = { embeddingDim: 5, width: 8 };
const small = { prefixLength: 3, clipLength: 2, mapperLayers: 2, mapperHeads: 2 };
const configOf = (overrides: Partial<MapperConfig>) => mapperConfig.parse({ ...small, ...overrides });
const embeddings = Array.from({ length: 2 }, (_, row) => [...new RandomStream(row, 'image').normal(5, 1)]);

function prefixes(config: MapperConfig, values: ParameterValues, rows = embeddings): number[][][] {
  const parameters = tensorsOfValues(mapperShapes(config, widths), values);
  return mapPrefix(parameters, config, tf.tensor2d(rows)).arraySync();
}

test.each(['mlp', 'transformer'] as const)(
  'the %s mapper equals the reference written out in plain numbers',
  (mapper) => {
    const config = configOf({ mapper });
    const values = initMapper(config, widths, 4);
    const plain = (embedding: number[]) =>
      mapper === 'mlp'
        ? plainMlp(values, widths.width, embedding)
        : plainTransformer(values, config, widths.width, [embedding]);
    prefixes(config, values).forEach((prefix, row) => expectClose(prefix, plain(embeddings[row]!)));
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
