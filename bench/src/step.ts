import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { requireBfloat16, startEngine } from '@captrain/engine';
import { engineConfig } from '@captrain/engine/config';
import {
  type CaptionBatch,
  Captioner,
  type CaptionerConfig,
  RandomStream,
  languageModelConfig,
  mapperConfig,
} from '@captrain/model';
import { writeTinyGpt2 } from '@captrain/model/testing';
import { UserError, colors, defineCommand, formatTable } from '@captrain/runtime';
import { z } from 'zod';
import { median } from './median.js';

const DIM = 512;
const TOKENS = 31;

/** What is compared, within each of the variants that captrain trains. */
const settings = [
  { precision: 'float32', dropout: 0 },
  { precision: 'float32', dropout: 0.1 },
  { precision: 'bfloat16', dropout: 0 },
  { precision: 'bfloat16', dropout: 0.1 },
] as const;
const variants = [
  { mapper: 'mlp', freezeLanguageModel: false },
  { mapper: 'transformer', freezeLanguageModel: true },
] as const;

/** Milliseconds of one gradient, the median of some after one that warms up. */
async function gradientMs(
  config: CaptionerConfig,
  batch: CaptionBatch,
  repetitions: number,
): Promise<number> {
  const captioner = await Captioner.create({ config, embeddingDim: DIM, seed: 1 });
  const into = new Float32Array(captioner.layout.length);
  const times = Array.from({ length: repetitions + 1 }, (_, step) => {
    const start = performance.now();
    captioner.gradient(batch, { into, dropoutKey: { seed: 1, step, microbatch: 0 } });
    return performance.now() - start;
  });
  captioner.close();
  return median(times.slice(1));
}

function batchOf(size: number): CaptionBatch {
  const tokens = new RandomStream(1, 'tokens');
  return {
    embeddings: new RandomStream(1, 'embeddings').normal(size * DIM, 1),
    tokens: Array.from({ length: size }, () => Array.from({ length: TOKENS }, () => tokens.next() % 50257)),
  };
}

function hasBfloat16(): boolean {
  try {
    requireBfloat16();
    return true;
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    console.log(thrown.message);
    return false;
  }
}

export const step = defineCommand({
  name: 'step',
  summary: 'One gradient of GPT-2 small in float32 and bfloat16, with dropout and without',
  examples: ['npm run bench -- step', 'npm run bench -- step --repetitions 20 --threads 1'],
  schema: z.strictObject({
    repetitions: z.number().int().min(1).default(7).describe('gradients; the result is their median'),
    batchSize: z.number().int().min(1).default(8).describe('captions of a batch'),
    ...engineConfig.shape,
  }),
  run: async ({ repetitions, batchSize, ...engine }, { signal }) => {
    await startEngine(engine);
    const able = hasBfloat16();
    const languageModel = await mkdtemp(path.join(tmpdir(), 'captrain-bench-'));
    try {
      writeTinyGpt2(languageModel, {
        ...{ vocab_size: 50257, n_positions: 1024, n_embd: 768, n_layer: 12, n_head: 12 },
        initializer_range: 0.02,
      });
      const rows: { mapper: string; precision: string; dropout: number; ms: number }[] = [];
      for (const variant of variants)
        for (const setting of settings) {
          signal.throwIfAborted();
          if (setting.precision === 'bfloat16' && !able) continue;
          // A frozen language model has no dropout.
          if (variant.freezeLanguageModel && setting.dropout > 0) continue;
          const config = {
            ...mapperConfig.parse({ mapper: variant.mapper }),
            ...languageModelConfig.parse({
              languageModel,
              freezeLanguageModel: variant.freezeLanguageModel,
              dropout: setting.dropout,
            }),
            precision: setting.precision,
          };
          const ms = await gradientMs(config, batchOf(batchSize), repetitions);
          rows.push({ mapper: variant.mapper, ...setting, ms });
        }
      const cells = rows.map(({ mapper, precision, dropout, ms }) => {
        const base = rows.find((row) => row.mapper === mapper)!.ms;
        const rate = (batchSize * TOKENS * 1000) / ms;
        return [mapper, precision, String(dropout), ms.toFixed(0), rate.toFixed(0), (base / ms).toFixed(2)];
      });
      const head = ['mapper', 'precision', 'dropout', 'ms', 'caption tokens/s', 'times as fast'];
      console.log(formatTable([head.map(colors.bold), ...cells], 'lllrrr'));
      console.log(
        `mlp: GPT-2 small trained; transformer: frozen; ${batchSize} captions of ${TOKENS} tokens behind 10 positions`,
      );
      console.log(JSON.stringify({ bench: 'step', rows }));
    } finally {
      await rm(languageModel, { recursive: true, force: true });
    }
  },
});
