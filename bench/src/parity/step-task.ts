import { writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  Captioner,
  type CaptionerConfig,
  type MapperConfig,
  RandomStream,
  languageModelConfig,
  mapperConfig,
  tensorsOfFlat,
  writeSafetensors,
} from '@captrain/model';
import { flickr8kCaptions } from './captions.js';
import type { ParityContext, ParityGroup } from './context.js';
import { writeLanguageModel } from './language-model.js';
import type { ParityRow } from './row.js';

const DIM = 512;
const CAPTIONS_OF_AN_IMAGE = 5;
/** GPT-2's "!", which the reference's loss leaves out. */
const LEFT_OUT = 0;

export interface StepBatch {
  /** Rows of the embeddings, one for each caption. */
  images: number[];
  captions: number[][];
}

/** What `bench/peers/parity/step.py` and captrain both compute from. */
export interface StepTask {
  captioner: Captioner;
  folder: string;
  embeddings: Float32Array;
  batches: StepBatch[];
  learningRate: number;
  warmup: number;
}

export const variants = {
  mlp: { title: 'MLP + fine-tuned', mapper: 'mlp', frozen: false },
  transformer: { title: 'Transformer + frozen', mapper: 'transformer', frozen: true },
} as const;
export type Variant = keyof typeof variants;

/** A part of the suite that compares the same of both variants, on one random GPT-2 small. */
export function overVariants(
  compare: (context: ParityContext, variant: Variant, languageModel: string) => Promise<ParityRow[]>,
): ParityGroup['run'] {
  return async (context) => {
    const languageModel = await writeLanguageModel(context);
    const rows: ParityRow[] = [];
    for (const variant of Object.keys(variants) as Variant[])
      rows.push(...(await compare(context, variant, languageModel)));
    return rows;
  };
}

/**
 * A captioner of full size with a new mapper, and batches of real captions; written into a folder for PyTorch. The
 * caller closes the captioner. The captions have no end of text, as the reference trains them.
 */
export async function writeStepTask(
  context: ParityContext,
  options: {
    variant: Variant;
    languageModel: string;
    batches: number;
    mapper?: Partial<MapperConfig>;
    /** Of sequences: how many embeddings of each are real. */
    counts?: readonly number[];
  },
): Promise<StepTask> {
  const { mapper, frozen } = variants[options.variant];
  const config: CaptionerConfig = {
    ...mapperConfig.parse({ mapper, ...options.mapper }),
    ...languageModelConfig.parse({ languageModel: options.languageModel, freezeLanguageModel: frozen }),
  };
  const captioner = await Captioner.create({ config, embeddingDim: DIM, seed: 3 });
  const batches = batchesOf(captioner, flickr8kCaptions(context.data), options.batches);
  scatter(captioner);
  const { counts } = options;
  const shape = counts === undefined ? [batches.length * 2, DIM] : [counts.length, config.frames, DIM];
  const embeddings = new RandomStream(4, 'embeddings').normal(
    shape.reduce((product, size) => product * size, 1),
    1,
  );
  const task = { learningRate: 1e-4, warmup: 20, batches };
  const { folder } = context;
  writeFileSync(
    path.join(folder, 'task.json'),
    JSON.stringify({
      ...task,
      options: config,
      counts,
      dim: DIM,
      languageModel: options.languageModel,
      frozen,
    }),
  );
  writeFileSync(
    path.join(folder, 'embeddings.safetensors'),
    writeSafetensors(new Map([['embeddings', { shape, data: embeddings }]])),
  );
  writeFileSync(
    path.join(folder, 'start.safetensors'),
    writeSafetensors(tensorsOfFlat(captioner.layout, captioner.exportFlat())),
  );
  return { captioner, folder, embeddings, ...task };
}

/** Moves biases, gains and places away from the 0s and 1s of new weights, which would hide a forgotten one. */
function scatter(captioner: Captioner): void {
  const flat = captioner.exportFlat();
  for (const { name, shape, offset, length } of captioner.layout.entries) {
    if (shape.length > 1 && !name.endsWith('frame_positions')) continue;
    const noise = new RandomStream(6, name).normal(length, 0.05);
    for (let i = 0; i < length; i++) flat[offset + i]! += noise[i]!;
  }
  captioner.importFlat(flat);
}

/** Batches of two pictures with four captions each. */
function batchesOf(captioner: Captioner, captions: string[], count: number): StepBatch[] {
  const tokens = captions.map((caption) => captioner.tokenizer.encode(caption));
  return Array.from({ length: count }, (_, batch) => {
    const images = [2 * batch, 2 * batch + 1];
    const chosen = images.flatMap((image) => {
      const own = tokens.slice(image * CAPTIONS_OF_AN_IMAGE, (image + 1) * CAPTIONS_OF_AN_IMAGE);
      return own
        .filter((caption) => !caption.includes(LEFT_OUT))
        .slice(0, 4)
        .map((caption) => ({ image, caption }));
    });
    return { images: chosen.map(({ image }) => image), captions: chosen.map(({ caption }) => caption) };
  });
}

/** The same batch as captrain takes it. */
export function captionBatch({ embeddings }: StepTask, { images, captions }: StepBatch) {
  const rows = new Float32Array(images.length * DIM);
  images.forEach((image, row) => rows.set(embeddings.subarray(image * DIM, (image + 1) * DIM), row * DIM));
  return { embeddings: rows, tokens: captions };
}
