import { startEngine } from '@captrain/engine';
import { beforeAll, expect, test } from 'vitest';
import type { EmbeddingSequences } from './embedding-sequences.js';
import { sequenceTensors } from './sequence-tensors.js';

beforeAll(() => startEngine({ device: 'cpu' }));

const lay = (sequences: EmbeddingSequences, most = 3) => {
  const { embeddings_BFC, frames_B } = sequenceTensors(sequences, { embeddingDim: 2, most });
  return { embeddings: embeddings_BFC.arraySync(), frames: frames_B?.arraySync() };
};

test('single embeddings are sequences of one', () => {
  const expected = { embeddings: [[[1, 2]], [[3, 4]]], frames: undefined };
  expect(lay({ embeddings: Float32Array.of(1, 2, 3, 4) })).toEqual(expected);
  expect(lay({ embeddings: Float32Array.of(1, 2, 3, 4), frames: [1, 1] })).toEqual(expected);
});

test('sequences are padded behind their frames to the longest of the batch, and no further', () => {
  const embeddings = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  expect(lay({ embeddings, frames: [1, 2, 1] })).toEqual({
    embeddings: [
      [
        [1, 2],
        [0, 0],
      ],
      [
        [3, 4],
        [5, 6],
      ],
      [
        [7, 8],
        [0, 0],
      ],
    ],
    frames: [1, 2, 1],
  });
});

test('sequences of one length need no padding, nor counts', () => {
  const { frames } = lay({ embeddings: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), frames: [2, 2] });
  expect(frames).toBeUndefined();
});

test.each([
  ['values that are no whole embeddings', { embeddings: new Float32Array(3) }, 'no embeddings of width 2'],
  ['an empty sequence', { embeddings: new Float32Array(2), frames: [1, 0] }, 'a sequence of 0 embeddings'],
  [
    'a sequence that is too long',
    { embeddings: new Float32Array(8), frames: [4] },
    '4 embeddings where 1 to 3',
  ],
  [
    'counts that do not add up',
    { embeddings: new Float32Array(8), frames: [2, 1] },
    '4 embeddings for sequences of 3',
  ],
])('%s are refused', (_, sequences, message) => {
  expect(() => lay(sequences)).toThrow(message);
});
