// Letters of sizes: b captions of a microbatch, T positions, N caption tokens, D width, H heads, L layers, V vocabulary
import type { MapperConfig } from '../config.js';
import { type Gpt2Config, gpt2Shapes } from '../gpt2/gpt2-config.js';
import { mapperShapes } from '../mapper/mapper.js';

/** What memory is estimated for. */
export interface MemoryCase {
  gpt2: Gpt2Config;
  mapper: MapperConfig;
  embeddingDim: number;
  freezeLanguageModel: boolean;
  batchSize: number;
  microbatches: number;
  /** Tokens of every caption. */
  captionTokens: number;
}

/** Bytes that one training process needs, by what they are for. */
export interface TrainingMemory {
  /** Trainable values. */
  parameters: number;
  /** Of mapper and language model, trained or frozen. */
  weights: number;
  gradients: number;
  /** AdamW's two moments. */
  moments: number;
  /** What the forward pass of a microbatch keeps for the backward pass. */
  activations: number;
  /** Temporary values of the largest update, once activations are gone. */
  update: number;
  /** Gradient sums in main memory, to be exchanged. */
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
const UPDATE_COPIES = 15;

/** An estimate of what training needs. */
export function trainingMemory(run: MemoryCase): TrainingMemory {
  const { gpt2, freezeLanguageModel, microbatches } = run;
  const mapper = sizesOf(mapperShapes(run.mapper, { embeddingDim: run.embeddingDim, width: gpt2.n_embd }));
  const languageModel = sizesOf(gpt2Shapes(gpt2));
  const trained = freezeLanguageModel ? mapper : [...mapper, ...languageModel];
  const parameters = sum(trained);
  const bytes = FLOAT * parameters;
  const weights = FLOAT * (sum(mapper) + sum(languageModel));
  const activations = FLOAT * activationValues(run);
  const update = FLOAT * UPDATE_COPIES * Math.min(parameters, Math.max(GROUP_VALUES, ...trained));
  // One sum a level of the tree by which microbatches are added.
  const exchange = bytes * (Math.ceil(Math.log2(microbatches)) + 1);
  // The model and both moments, exported, and as much as two more that garbage collection finds late.
  const checkpoint = 5 * bytes;
  const moments = 2 * bytes;
  return {
    parameters,
    weights,
    gradients: bytes,
    moments,
    activations,
    update,
    exchange,
    checkpoint,
    device: weights + moments + Math.max(bytes + activations, update),
    host: PROGRAM + exchange + checkpoint,
    coordinator: COORDINATOR + 3 * bytes,
  };
}

/**
 * Values that the loss of a microbatch keeps. The factors were counted on `captionLoss`: distinct tensors alive after
 * the forward pass, over many sizes, fitted within 0.5 %.
 */
function activationValues(run: MemoryCase): number {
  const { gpt2, mapper, batchSize, microbatches, captionTokens } = run;
  const { n_embd: width, n_head: heads, n_layer: layers, vocab_size: vocabulary } = gpt2;
  const captions = Math.ceil(batchSize / microbatches);
  const tokens = captions * captionTokens;
  const layer = (positions: number, factor: number, scores: number, head: number) =>
    captions * (factor * positions * width + scores * head * positions ** 2);
  const positions = mapper.prefixLength + captionTokens - 1;
  const ofGpt2 = layers * layer(positions, 36, 3, heads) + 9 * captions * positions * width;
  const ofMapper =
    mapper.mapper === 'mlp'
      ? 0
      : mapper.mapperLayers * layer(mapper.clipLength + mapper.prefixLength, 27, 2, mapper.mapperHeads);
  // Logits, their softmax, and the gradient of both.
  return ofGpt2 + ofMapper + 3 * tokens * (vocabulary + width);
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
