/**
 * The floating-point operations that a training step cannot do without, two for each multiply-add of its matrix
 * products, counted from the true token counts: whatever a program adds (padding, logits that nothing reads, gradients
 * of frozen weights, a second forward) is not useful.
 *
 * - A linear layer of n weights costs 2n a position forward; 2n again for its input's gradient; 2n again for its
 *   weights', where they are trained. What reads the batch itself needs no input gradient.
 * - Attention costs 4·width for each pair of a position and one that it sees, and twice that backward, frozen or not:
 *   both operands are activations.
 * - GPT-2 reads the prefix and all tokens of a caption but the last; its head is on the positions that predict.
 * - With shared prefixes the mapper and the prefix positions count once an image, else once a caption; and the words
 *   that captions of an image begin with alike count once.
 */
import { packBatch } from '@captrain/model/batches';
import type { StepBatch } from '../parity/step-task.js';
import { GPT2_SMALL } from '../random-gpt2.js';
import type { TrainVariant } from './variants.js';
import { trainVariants } from './variants.js';

const EMBEDDING = 512;
const PREFIX = 10;
/** Of the transformer mapper: positions that the embedding is spread over, and layers. */
const CLIP_LENGTH = 10;
const MAPPER_LAYERS = 8;
const { n_embd: width, n_layer: layers, vocab_size: vocabulary } = GPT2_SMALL;

/** Useful operations of one step over these captions, of which each is about an image. */
export function usefulFlops(variant: TrainVariant, batch: StepBatch, sharedPrefix: boolean): number {
  const { prefixes, positions, predicting, pairs } = countRows(batch, sharedPrefix);
  // Forward and the input's gradient; the weights' gradient too where GPT-2 is trained.
  const passes = trainVariants[variant].frozen ? 2 : 3;
  const weights = layers * 12 * width ** 2;
  return (
    passes * 2 * (weights * positions + width * vocabulary * predicting) +
    3 * 4 * width * layers * pairs +
    prefixes * mapperFlops(variant)
  );
}

/** What there is to compute: prefixes, positions of GPT-2, those that predict, and pairs of one and one that it sees. */
function countRows({ images, captions }: StepBatch, sharedPrefix: boolean) {
  const distinct = [...new Set(images)];
  const own = sharedPrefix ? images.map((image) => distinct.indexOf(image)) : images.map((_, row) => row);
  const prefixes = sharedPrefix ? distinct.length : images.length;
  const packed = packBatch(
    { embeddings: new Float32Array(prefixes), tokens: captions, images: own },
    { embeddingDim: 1, prefixLength: PREFIX },
  );
  const seen: number[] = [];
  let pairs = 0;
  for (let at = 0; at < packed.segments_S3.length; at += 3) {
    const [first, end, parent] = packed.segments_S3.subarray(at, at + 3) as unknown as [
      number,
      number,
      number,
    ];
    const before = parent < 0 ? 0 : seen[parent]!;
    seen.push(before + end - first);
    pairs += (end - first) * before + triangle(end - first);
  }
  return { prefixes, positions: packed.positions_N.length, predicting: packed.predicting_R.length, pairs };
}

/** Of one embedding, all weights trained. */
function mapperFlops(variant: TrainVariant): number {
  const outputs = PREFIX * width;
  if (variant === 'mlp') return 2 * 2 * EMBEDDING * (outputs / 2) + 3 * 2 * (outputs / 2) * outputs;
  const positions = CLIP_LENGTH + PREFIX;
  // Queries, keys, values and projection; two layers of twice the width.
  const weights = 8 * width ** 2;
  const layer = 3 * 2 * weights * positions + 3 * 4 * width * positions ** 2;
  return 2 * 2 * EMBEDDING * CLIP_LENGTH * width + MAPPER_LAYERS * layer;
}

function triangle(count: number): number {
  return (count * (count + 1)) / 2;
}
