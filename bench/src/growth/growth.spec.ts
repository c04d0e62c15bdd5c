import { describe, expect, test } from 'vitest';
import { growthBatch } from './growth-batch.js';
import type { Measured } from './measure.js';
import { axes, measurements } from './measurements.js';
import { growthFigures, growthTables } from './report.js';

const captions = Array.from({ length: 40 }, (_, caption) =>
  Array.from({ length: 3 + (caption % 4) }, (_, word) => 1 + caption * 10 + word),
);

describe('a batch', () => {
  test("has the data set's own captions, five for each image", () => {
    const { tokens, images, embeddings } = growthBatch(captions, { captions: 10 });
    expect(tokens).toEqual(captions.slice(0, 10));
    expect(images).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    expect(embeddings.length).toBe(2 * 512);
  });

  test('or captions of one length, no two alike', () => {
    const { tokens } = growthBatch(captions, { captions: 10, tokens: 7 });
    expect(tokens.map((caption) => caption.length)).toEqual(Array.from({ length: 10 }, () => 7));
    expect(tokens.flat()).toEqual(captions.flat().slice(0, 70));
  });

  test('of more images than there are is refused', () => {
    expect(() => growthBatch(captions, { captions: 45 })).toThrow('9 images of 8');
  });
});

test('every axis has its points, few of them in the quick form; several share one', () => {
  const points = measurements({ precisions: ['float32', 'bfloat16'], quick: false });
  const quick = measurements({ precisions: ['float32', 'bfloat16'], quick: true });
  for (const axis of axes) {
    const count = (all: typeof points) => all.filter((point) => point.axis === axis).length;
    expect(count(quick)).toBeGreaterThan(0);
    expect(count(quick)).toBeLessThan(count(points));
  }
  const same = points.filter(
    ({ setting, load }) =>
      JSON.stringify([setting, load]) === JSON.stringify([points[0]!.setting, { captions: 40 }]),
  );
  expect(same.map(({ axis }) => axis)).toEqual(['batch', 'model', 'dropout']);
});

test('tables and figures name sizes and dropout in words, and leave a gap where a line has no point', () => {
  const points = measurements({ precisions: ['float32'], quick: false });
  const measured: Measured[] = points.map((point, index) => ({ ...point, rate: index + 0.123 }));
  // They are measured in another order than they are shown in.
  const figures = growthFigures(measured.toReversed());
  expect(Object.keys((figures.model as Record<string, object>)['MLP, GPT-2 trained, float32']!)).toEqual([
    '6 layers, 82 M',
    'small, 124 M',
    'medium, 355 M',
  ]);
  expect((figures.dropout as Record<string, object>)['MLP, GPT-2 trained, float32']).toHaveProperty('with');
  const table = growthTables(measured.slice(1));
  expect(table).toContain('medium, 355 M');
  expect(table).toMatch(/^5 +6\.12$/m);
});
