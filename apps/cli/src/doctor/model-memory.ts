import { totalmem } from 'node:os';
import {
  type LanguageModelDescription,
  type MemoryCase,
  type TrainingMemory,
  captioningMemory,
  trainingMemory,
} from '@captrain/model';
import { mapperConfig } from '@captrain/model/config';
import type { RunConfig } from '@captrain/model/run';

/** What the estimates assume beside the model. */
export interface Assumptions extends Pick<
  RunConfig,
  'batchSize' | 'microbatches' | 'localSteps' | 'islands'
> {
  embeddingDim: number;
  /** Of every caption; most of COCO's are shorter. */
  captionTokens: number;
}

export interface VariantMemory {
  name: string;
  memory: TrainingMemory;
  /** Bytes of main memory that one worker and the coordinator need together. */
  mainMemory: number;
  fits: boolean;
}

/** A computing device: main memory where that is the CPU. */
export interface Place {
  name: string;
  bytes: number;
  isGpu: boolean;
}

export const mainMemory: Place = { name: 'this machine', bytes: totalmem(), isGpu: false };

/** Memory to train each of the two variants of ClipCap with this language model, and whether it is there. */
export function variantsOf(
  { config: gpt2 }: LanguageModelDescription,
  assumed: Assumptions,
  place: Place,
): VariantMemory[] {
  const both = { gpt2, ...assumed, kernels: !place.isGpu };
  const mapperHeads = gpt2.n_embd % 8 === 0 ? 8 : 1;
  const transformer = { mapper: 'transformer', prefixLength: 40, clipLength: 40, mapperHeads } as const;
  return [
    variant(
      'MLP, fine-tuned',
      { ...both, mapper: mapperConfig.parse({}), freezeLanguageModel: false },
      place,
    ),
    variant(
      'Transformer, frozen',
      { ...both, mapper: mapperConfig.parse(transformer), freezeLanguageModel: true },
      place,
    ),
  ];
}

function variant(name: string, run: MemoryCase, place: Place): VariantMemory {
  const memory = trainingMemory(run);
  const needed = memory.host + memory.coordinator + (place.isGpu ? 0 : memory.device);
  const fits = needed <= totalmem() && (!place.isGpu || memory.device <= place.bytes);
  return { name, memory, mainMemory: needed, fits };
}

/** Bytes to write captions for 32 images at once. */
export function captioningBytes({ config: gpt2 }: LanguageModelDescription, assumed: Assumptions): number {
  const { embeddingDim, captionTokens } = assumed;
  return captioningMemory({ gpt2, mapper: mapperConfig.parse({}), embeddingDim, captionTokens, images: 32 });
}
