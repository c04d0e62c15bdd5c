import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type CaptionBatch,
  Captioner,
  type Precision,
  RandomStream,
  gpt2Config,
  languageModelConfig,
  mapperConfig,
} from '@captrain/model';
import { writeTinyGpt2 } from '@captrain/model/testing';

/** Of embeddings: that of CLIP ViT-B/32. */
const DIM = 512;

/** The variants that captrain trains: which mapper, and whether the language model is frozen. */
export const variants = {
  mlp: { mapper: 'mlp', freezeLanguageModel: false },
  transformer: { mapper: 'transformer', freezeLanguageModel: true },
} as const;
export type Variant = keyof typeof variants;

/** A captioner over GPT-2 small with random weights; it lives until `close`. */
export async function fullSizeCaptioner(variant: Variant, precision: Precision): Promise<Captioner> {
  const languageModel = await mkdtemp(path.join(tmpdir(), 'captrain-profile-'));
  try {
    const { vocab_size, n_positions, n_embd, n_layer, n_head } = gpt2Config.parse({});
    writeTinyGpt2(languageModel, {
      ...{ vocab_size, n_positions, n_embd, n_layer, n_head },
      initializer_range: 0.02,
    });
    const { mapper, freezeLanguageModel } = variants[variant];
    const config = {
      ...mapperConfig.parse({ mapper }),
      ...languageModelConfig.parse({ languageModel, freezeLanguageModel, dropout: 0 }),
      precision,
    };
    return await Captioner.create({ config, embeddingDim: DIM, seed: 1 });
  } finally {
    await rm(languageModel, { recursive: true, force: true });
  }
}

/** A batch whose captions have lengths like Flickr8k's (mean 12.4, standard deviation 4), of random tokens. */
export function batchLikeFlickr8k(captions: number): CaptionBatch {
  const tokens = new RandomStream(1, 'tokens');
  const lengths = new RandomStream(1, 'lengths').normal(captions, 4);
  return {
    embeddings: new RandomStream(1, 'embeddings').normal(captions * DIM, 1),
    tokens: Array.from(lengths, (deviation) =>
      Array.from({ length: Math.max(3, Math.round(12.4 + deviation)) }, () => tokens.next() % 50257),
    ),
  };
}
