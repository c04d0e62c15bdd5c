/**
 * The floating-point operations that a training step cannot do without, two for each multiply-add of its matrix
 * products, counted from the true token counts: whatever a program adds (padding, logits that nothing reads, gradients
 * of frozen weights, a second forward) is not useful.
 *
 * - A linear layer of n weights costs 2n a position forward; 2n again for its input's gradient; 2n again for its
 *   weights', where they are trained. What reads the batch itself needs no input gradient.
 * - Attention costs 4·width for each pair of a position and one that it sees, and twice that backward, frozen or not:
 *   both operands are activations.
 * - GPT-2 reads the prefix and all tokens of a caption but the last; its head is on the caption tokens alone.
 * - With shared prefixes the mapper and the prefix positions count once an image, else once a caption.
 */
import { GPT2_SMALL } from '../random-gpt2.js';
import type { TrainVariant } from './variants.js';
import { trainVariants } from './variants.js';

const EMBEDDING = 512;
const PREFIX = 10;
/** Of the transformer mapper: positions that the embedding is spread over, and layers. */
const CLIP_LENGTH = 10;
const MAPPER_LAYERS = 8;
const { n_embd: width, n_layer: layers, vocab_size: vocabulary } = GPT2_SMALL;

/** Useful operations of one step; `lengths` are the token counts of each image's captions. */
export function usefulFlops(
  variant: TrainVariant,
  lengths: readonly (readonly number[])[],
  sharedPrefix: boolean,
): number {
  const captions = lengths.flat();
  const tokens = sum(captions);
  const prefixes = sharedPrefix ? lengths.length : captions.length;
  const positions = prefixes * PREFIX + tokens - captions.length;
  const pairs = prefixes * triangle(PREFIX) + sum(captions.map(captionPairs));
  // Forward and the input's gradient; the weights' gradient too where GPT-2 is trained.
  const passes = trainVariants[variant].frozen ? 2 : 3;
  const weights = layers * 12 * width ** 2;
  return (
    passes * 2 * (weights * positions + width * vocabulary * tokens) +
    3 * 4 * width * layers * pairs +
    prefixes * mapperFlops(variant)
  );
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

/** Pairs of a caption's positions with themselves, those before them and the prefix. */
function captionPairs(length: number): number {
  return (length - 1) * PREFIX + triangle(length - 1);
}

function triangle(count: number): number {
  return (count * (count + 1)) / 2;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
