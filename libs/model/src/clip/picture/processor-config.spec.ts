import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { requireSquares } from './image-preprocessor.js';
import { readImagePreprocessor } from './processor-config.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'captrain-processor-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function read(json: object, name = 'preprocessor_config.json') {
  writeFileSync(path.join(folder, name), JSON.stringify(json));
  return readImagePreprocessor(folder);
}

test("an empty config has CLIP's published defaults", () => {
  expect(read({})).toEqual({
    resize: { shortestEdge: 224 },
    filter: 'bicubic',
    crop: { width: 224, height: 224 },
    centring: 'floor',
    fill: 0,
    scale: 1 / 255,
    mean: [0.48145466, 0.4578275, 0.40821073],
    deviation: [0.26862954, 0.26130258, 0.27577711],
  });
});

test('old and new spellings of the same say the same', () => {
  const now = { size: { shortest_edge: 48 }, crop_size: { height: 32, width: 32 }, resample: 2 };
  const old = { feature_extractor_type: 'CLIPFeatureExtractor', size: 48, crop_size: 32, resample: 2 };
  const sparse = {
    ...now,
    do_pad: null,
    size: { shortest_edge: 48, longest_edge: null },
    crop_size: [32, 32],
  };
  expect(read(old)).toEqual(read(now));
  expect(read(sparse)).toEqual(read(now));
  expect(read({ size: [20, 30] }).resize).toEqual({ height: 20, width: 30 });
  rmSync(path.join(folder, 'preprocessor_config.json'));
  const nested = { processor_class: 'CLIPProcessor', image_processor: now };
  expect(read(nested, 'processor_config.json')).toEqual(read(now));
});

test('steps that are switched off do nothing', () => {
  const off = { do_resize: false, do_center_crop: false, do_rescale: false, do_normalize: false };
  expect(read(off)).toMatchObject({
    resize: null,
    crop: null,
    scale: 1,
    mean: [0, 0, 0],
    deviation: [1, 1, 1],
  });
});

describe('what cannot be honoured is refused by name', () => {
  test.each([
    [{ resample: 0 }, /resample: only bilinear \(2\) and bicubic \(3\)/],
    [{ size: { longest_edge: 224 } }, /size/],
    [{ size: { shortest_edge: 224, longest_edge: 300 } }, /size/],
    [{ do_pad: true }, /do_pad/],
    [{ image_processor_type: 'SiglipImageProcessor' }, /image_processor_type/],
    [{ image_std: [0, 1, 1] }, /image_std/],
  ])('%j', (json, message) => {
    expect(() => read(json)).toThrow(UserError);
    expect(() => read(json)).toThrow(message);
  });

  test('pictures of another size than the encoder takes', () => {
    const small = read({ size: 32, crop_size: 32 });
    requireSquares(small, 32, 'here');
    expect(() => requireSquares(small, 224, 'here')).toThrow(/here makes pictures of 32×32 .* takes 224×224/);
    const various = read({ do_center_crop: false });
    expect(() => requireSquares(various, 224, 'here')).toThrow(/of various sizes/);
    requireSquares(read({ do_center_crop: false, size: { height: 8, width: 8 } }), 8, 'here');
  });
});
