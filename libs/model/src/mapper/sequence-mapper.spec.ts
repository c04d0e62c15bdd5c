import { startEngine, tf } from '@captrain/engine';
import { UserError } from '@captrain/runtime';
import { beforeAll, describe, expect, test } from 'vitest';
import { mapperConfig, type MapperConfig } from '../config.js';
import { tensorsOfValues } from '../load-parameters.js';
import type { ParameterValues } from '../parameters.js';
import { type Rows, expectClose } from '../plain-math.cases.js';
import { RandomStream } from '../random.js';
import { initMapper, mapPrefix, mapperShapes } from './mapper.js';
import { plainTransformer } from './plain-mappers.cases.js';

beforeAll(() => startEngine({ device: 'cpu' }));

const widths = { embeddingDim: 5, width: 8 };
const configOf = (overrides: Partial<MapperConfig>) =>
  mapperConfig.parse({
    ...{ mapper: 'transformer', prefixLength: 3, clipLength: 2, mapperLayers: 2, mapperHeads: 2 },
    ...overrides,
  });
const config = configOf({ frames: 4 });
const PLACES = 'clip_project.frame_positions';

/** New weights, with places that are no longer at their start, as after some training. */
function trained(seed = 4, of = config): ParameterValues {
  const values = initMapper(of, widths, seed);
  return values.set(PLACES, new RandomStream(seed, PLACES).normal(of.frames * widths.width, 1));
}

const frame = (name: string) => [...new RandomStream(6, name).normal(widths.embeddingDim, 1)];
const [a, b, c] = ['a', 'b', 'c'].map(frame) as [number[], number[], number[]];

/** Prefixes of sequences, padded with `padding` to one length. */
function prefixes(
  values: ParameterValues,
  of: MapperConfig,
  sequences: Rows[],
  padding = 0,
  extra = 0,
): Rows[] {
  const parameters = tensorsOfValues(mapperShapes(of, widths), values);
  const longest = Math.max(...sequences.map((sequence) => sequence.length)) + extra;
  const blank = Array<number>(widths.embeddingDim).fill(padding);
  const padded = sequences.map((sequence) => [
    ...sequence,
    ...Array.from({ length: longest - sequence.length }, () => blank),
  ]);
  const frames_B = tf.tensor1d(
    sequences.map((sequence) => sequence.length),
    'int32',
  );
  return mapPrefix(parameters, of, tf.tensor3d(padded), frames_B).arraySync();
}

describe('a sequence of embeddings', () => {
  test('is mapped as written out in plain numbers', () => {
    const values = trained();
    const sequences = [[a, b, c], [b], [c, a]];
    prefixes(values, config, sequences).forEach((prefix, row) =>
      expectClose(prefix, plainTransformer(values, config, widths.width, sequences[row]!)),
    );
  });

  test('gives the same whatever stands beside and behind it', () => {
    const values = trained();
    for (const normalizePrefix of [false, true]) {
      const of = { ...config, normalizePrefix };
      const [alone] = prefixes(values, of, [[a, b]]);
      expectClose(
        prefixes(values, of, [
          [a, b],
          [c, c, c],
        ])[0]!,
        alone!,
        1e-6,
      );
      for (const padding of [0, 1e4, NaN, Infinity])
        expectClose(prefixes(values, of, [[a, b]], padding, 2)[0]!, alone!, 1e-6);
    }
  });

  test('is read in its order', () => {
    const values = trained();
    const [forth, back] = prefixes(values, config, [
      [a, b, c],
      [c, b, a],
    ]);
    expect(Math.max(...forth!.flat().map((value, i) => Math.abs(value - back!.flat()[i]!)))).toBeGreaterThan(
      0.01,
    );
  });

  test('of one embedding begins as an image does: places start at 0', () => {
    const values = initMapper(config, widths, 4);
    const image = configOf({ frames: 1 });
    const imageValues = initMapper(image, widths, 4);
    expect(values.get(PLACES)).toEqual(new Float32Array(4 * widths.width));
    const parameters = tensorsOfValues(mapperShapes(image, widths), imageValues);
    const alone = mapPrefix(parameters, image, tf.tensor2d([a])).arraySync();
    expectClose(prefixes(values, config, [[a]])[0]!, alone[0]!);
  });

  test('has gradients that are the slopes of its values, and none from padding', () => {
    const values = trained();
    const shapes = mapperShapes(config, widths);
    const parameters = tensorsOfValues(shapes, values);
    const images = tf.tensor3d([
      [a, b, c],
      [b, [NaN, 0, 0, 0, 0], a],
    ]);
    const weights = tf.tensor3d(new RandomStream(1, 'weights').normal(2 * 3 * 8, 1), [2, 3, 8]);
    const frames_B = tf.tensor1d([3, 1], 'int32');
    const names = [...shapes.keys()];
    const loss = (tensors: tf.Tensor[]) => {
      const named = new Map(names.map((name, i) => [name, tensors[i]!]));
      return tf.sum(tf.mul(mapPrefix(named, config, images, frames_B), weights)) as tf.Scalar;
    };
    const start = names.map((name) => parameters.get(name)!);
    const gradients = tf.grads((...tensors) => loss(tensors))(start);
    gradients.forEach((gradient, index) => {
      const norm = tf.norm(gradient).dataSync()[0]!;
      const step = Math.min(5e-3, 0.05 / norm);
      const lossAt = (distance: number) =>
        loss(
          start.map((tensor, i) =>
            i === index ? tf.add(tensor, tf.mul(gradient, distance / norm)) : tensor,
          ),
        ).dataSync()[0]!;
      const slope = (lossAt(step) - lossAt(-step)) / (2 * step);
      expect(Math.abs(slope - norm) / norm, `${names[index]}: ${slope} and ${norm}`).toBeLessThan(0.02);
    });
    // No sequence has a fourth frame.
    const places = gradients[names.indexOf(PLACES)]!.arraySync() as number[][];
    expect(places.map((row) => row.some((value) => value !== 0))).toEqual([true, true, true, false]);
  });

  test('of more frames than the config has is a fault of the caller', () => {
    expect(() => prefixes(trained(), config, [[a, b, c, a, b]])).toThrow(
      '5 embeddings where the mapper takes up to 4',
    );
  });
});

test('frames 1 has exactly the parameters of the reference', () => {
  const one = [...mapperShapes(configOf({ frames: 1 }), widths).keys()];
  expect(one).not.toContain(PLACES);
  expect([...mapperShapes(config, widths).keys()].filter((name) => name !== PLACES)).toEqual(one);
});

test('an mlp mapper of sequences is refused', () => {
  const mlp = configOf({ mapper: 'mlp', frames: 4 });
  expect(() => mapperShapes(mlp, widths)).toThrow(UserError);
  expect(() => mapperShapes(mlp, widths)).toThrow(
    'the mlp mapper takes one embedding, not sequences of up to 4; use --mapper transformer, or --frames 1.',
  );
});
