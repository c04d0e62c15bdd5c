import { DataManifest, manifestOf } from '@captrain/data/store';
import { expect, test } from 'vitest';
import { validationChoice } from './validation-choice.js';

const contract = {
  ...{ encoder: 'clip', encoderRevision: 'sha256:0', dim: 4, dtype: 'float32' as const },
  ...{ normalized: true, preprocessing: '', software: 'test' },
};

/** Data whose splits have so many captions. */
function dataOf(splits: Record<string, number>): DataManifest {
  const shards = Object.entries(splits).map(([split, captions]) => ({
    ...{ path: `${split}.arrow`, split, rows: 1, captions, bytes: 9, sha256: '0'.repeat(64) },
  }));
  return new DataManifest(manifestOf(contract, shards), '/data');
}

const choose = (splits: Record<string, number>, config: object = {}) =>
  validationChoice({ split: 'train', validationCaptions: 1000, ...config }, dataOf(splits));

test('a run is validated on the usual split, where the data have it with captions', () => {
  expect(choose({ train: 9, val: 5000, validation: 20 })).toEqual({ split: 'val', captions: 1000 });
  expect(choose({ train: 9, validation: 20, test: 30 })).toEqual({ split: 'validation', captions: 20 });
  expect(choose({ train: 9, test: 30 })).toBeUndefined();
  expect(choose({ train: 9, val: 0 })).toBeUndefined();
  expect(choose({ val: 9 }, { split: 'val' })).toBeUndefined();
});

test('on the split that is named, be it the one that is trained on', () => {
  expect(choose({ train: 9, test: 30, val: 1 }, { validationSplit: 'test' })).toEqual({
    ...{ split: 'test', captions: 30 },
  });
  expect(choose({ train: 9 }, { validationSplit: 'train' })).toEqual({ split: 'train', captions: 9 });
});

test('on nothing where that is turned off; a split that is not there, or has no captions, is refused', () => {
  expect(choose({ train: 9, val: 5 }, { validationCaptions: 0, validationSplit: 'val' })).toBeUndefined();
  expect(() => choose({ train: 9 }, { validationSplit: 'dev' })).toThrow(
    '/data has no split "dev"; it has train',
  );
  expect(() => choose({ train: 9, val: 0 }, { validationSplit: 'val' })).toThrow('have no captions');
});
