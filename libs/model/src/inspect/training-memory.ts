// c captions of a microbatch, T target tokens, P prefix positions, N = c·(P + T − 1) rows, D width, H heads, L layers, V vocabulary
import type { MapperConfig } from '../config.js';
import { type Gpt2Config, gpt2Shapes } from '../gpt2/gpt2-config.js';
import { mapperShapes } from '../mapper/mapper.js';

/** What memory is estimated for. */
export interface MemoryCase {
  gpt2: Gpt2Config;
  mapper: MapperConfig;
  embeddingDim: number;
  freezeLanguageModel: boolean;
  checkpointActivations?: boolean | undefined;
  batchSize: number;
  microbatches: number;
  /** Target tokens of every caption, which is about an image of its own: what captions share takes less. */
  captionTokens: number;
  /** Whether the engine has kernels of its own: see `hasKernels`. Default: true. */
  kernels?: boolean | undefined;
  /** Steps between two exchanges. Default: 1. */
  localSteps?: number | undefined;
  /** With local steps: islands, which share the microbatches. Default: 1. */
  islands?: number | undefined;
}

/** Bytes that one training process needs, by what they are for. */
export interface TrainingMemory {
  /** Trainable values. */
  parameters: number;
  /** Of mapper and language model, trained or frozen. */
  weights: number;
  /**
   * The sums of a worker that computes the whole batch, or with local steps an island's part of it: one for each level of the
   * tree by which they are added.
   */
  gradients: number;
  /** AdamW's two moments. */
  moments: number;
  /** What a microbatch holds at most beside its gradient, forward and backward. */
  activations: number;
  /** Temporary values of the largest update, once activations are gone; none where the engine has kernels. */
  update: number;
  /**
   * The gradient in main memory, to be exchanged; with local steps the sums of changes of a worker that computes all islands,
   * the sum that it receives, the round's start, and the outer momentum.
   */
  exchange: number;
  /** Copies while a checkpoint is written, in main memory. */
  checkpoint: number;
  /** Bytes on the device that computes: main memory on a CPU, where `host` comes on top. */
  device: number;
  /** Bytes in main memory beside those on the device: the program, exchange, checkpoint. */
  host: number;
  /** Bytes in main memory of the run's coordinator. */
  coordinator: number;
}

const FLOAT = 4;
/** Node and TensorFlow with nothing loaded; a coordinator, which has Node alone. */
const PROGRAM = 400e6;
const COORDINATOR = 60e6;
/** Without the engine's kernel AdamW updates parameters in groups of at least this many values, and keeps this many temporary ones of each. */
const GROUP_VALUES = 1 << 22;
const UPDATE_COPIES = 32;

/**
 * The factors of a microbatch's values. They are fitted to the compiled step alone, that is without the run, op by op, by
 * which it may have been recorded: to the highest resident memory of `fixtures/training-peak.ts` over widths, layers,
 * vocabularies, and captions of a microbatch. To fit them again, run that with the cases of `training-memory.spec.ts`.
 */
const FACTORS = {
  /** Values for each of N·D that a layer keeps: by what is asked of it. */
  layer: { trained: 18, frozen: 8, checkpointed: 1 },
  /** The same without the engine's kernels, and for each of the H·N² of its attention, which is dense then. */
  composed: { trained: 26, frozen: 2, scores: 2 },
  /** Values for each of N·D, and of H·N², of the layer that runs backward. */
  backward: { rows: 17, scores: 1 },
  /** Values for each of positions·D that a layer of the Transformer mapper keeps. */
  mapper: 13.5,
  /** Values for each logit of a chunk, and for each value of the head where that is trained. */
  head: { logits: 1, trained: 1 },
};

/** An estimate of what training needs. */
export function trainingMemory(run: MemoryCase): TrainingMemory {
  const { gpt2, freezeLanguageModel, microbatches, kernels = true, localSteps = 1 } = run;
  const islands = localSteps > 1 ? (run.islands ?? 1) : 1;
  const mapper = sizesOf(mapperShapes(run.mapper, { embeddingDim: run.embeddingDim, width: gpt2.n_embd }));
  const languageModel = sizesOf(gpt2Shapes(gpt2));
  const trained = freezeLanguageModel ? mapper : [...mapper, ...languageModel];
  const parameters = sum(trained);
  const bytes = FLOAT * parameters;
  const weights = FLOAT * (sum(mapper) + sum(languageModel));
  const activations = FLOAT * activationValues(run);
  const group = Math.min(parameters, Math.max(GROUP_VALUES, ...trained));
  const update = kernels ? 0 : FLOAT * UPDATE_COPIES * group;
  const gradients = bytes * levelsOf(microbatches / islands);
  // The model and both moments, exported, and as much as two more that garbage collection finds late; and the momentum.
  const checkpoint = (localSteps > 1 ? 6 : 5) * bytes;
  const moments = 2 * bytes;
  const exchange = localSteps > 1 ? (3 * (levelsOf(islands) + 1) + 3 + 1) * bytes : bytes;
  return {
    parameters,
    weights,
    gradients,
    moments,
    activations,
    update,
    exchange,
    checkpoint,
    device: weights + moments + Math.max(gradients + activations, update),
    host: PROGRAM + exchange + checkpoint,
    coordinator: COORDINATOR + 3 * bytes,
  };
}

/** Sums that are held at a time where so many are added up a binary tree, one after another. */
function levelsOf(leaves: number): number {
  return Math.ceil(Math.log2(Math.max(1, leaves))) + 1;
}

function activationValues(run: MemoryCase): number {
  const { gpt2, mapper, batchSize, microbatches, captionTokens, freezeLanguageModel, kernels = true } = run;
  const { n_embd: width, n_head: heads, n_layer: layers, vocab_size: vocabulary } = gpt2;
  const captions = Math.ceil(batchSize / microbatches);
  const rows = captions * (mapper.prefixLength + captionTokens - 1);
  const scores = kernels ? 0 : heads * rows ** 2;
  const { layer, composed, backward, head } = FACTORS;
  const part = freezeLanguageModel ? 'frozen' : 'trained';
  const whole = (kernels ? layer : composed)[part] * rows * width + composed.scores * scores;
  const kept = run.checkpointActivations ? layers * layer.checkpointed * rows * width : layers * whole;
  const again = run.checkpointActivations ? whole : 0;
  const ofMapper =
    mapper.mapper === 'mlp'
      ? 0
      : FACTORS.mapper * mapper.mapperLayers * captions * (mapper.clipLength + mapper.prefixLength) * width;
  const predicting = captions * captionTokens;
  const chunk = predicting / Math.ceil(predicting / width);
  const ofHead =
    head.logits * chunk * vocabulary + (freezeLanguageModel ? 0 : head.trained * vocabulary * width);
  const ofLayer = backward.rows * rows * width + backward.scores * scores + again;
  // The head is done with before the first layer runs backward.
  return kept + ofMapper + Math.max(ofLayer, ofHead);
}

/** Bytes to caption so many images at once by greedy decoding. */
export function captioningMemory(
  run: Pick<MemoryCase, 'gpt2' | 'mapper' | 'embeddingDim' | 'captionTokens'> & { images: number },
): number {
  const { gpt2, mapper, embeddingDim, captionTokens, images } = run;
  const weights =
    sum(sizesOf(gpt2Shapes(gpt2))) + sum(sizesOf(mapperShapes(mapper, { embeddingDim, width: gpt2.n_embd })));
  const positions = mapper.prefixLength + captionTokens;
  // Keys and values twice: those of the step before live until the next are made.
  const cache = 4 * images * positions * gpt2.n_embd * gpt2.n_layer;
  const widest = images * Math.max(3 * gpt2.vocab_size, 8 * mapper.prefixLength * gpt2.n_embd);
  return PROGRAM + FLOAT * (weights + cache + widest);
}

function sizesOf(shapes: ReadonlyMap<string, readonly number[]>): number[] {
  return [...shapes.values()].map((shape) => shape.reduce((product, size) => product * size, 1));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
