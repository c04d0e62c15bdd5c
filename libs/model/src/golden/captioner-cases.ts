import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AdamW } from '../adamw.js';
import { Captioner, type CaptionerConfig } from '../captioner/captioner.js';
import { captionBeam } from '../captioner/beam.js';
import { captionGreedy } from '../captioner/greedy.js';
import {
  languageModelConfig,
  learningRateAt,
  mapperConfig,
  type MapperConfig,
  optimizerConfig,
} from '../config.js';
import { tensorsOfFlat } from '../layout.js';
import { RandomStream } from '../random.js';
import { writeTinyGpt2 } from '../testing.js';
import { writeSafetensors } from '../weights/write-safetensors.js';
import type { GoldenCase } from './golden-case.js';

const DIM = 12;
const STEPS = 10;
const WARMUP = 3;
const LEARNING_RATE = 1e-3;
const texts = ['a cat', 'two dogs run', 'the red bird sits.'];

interface Input {
  options: CaptionerConfig;
  dim: number;
  frozen: boolean;
  embeddings: number[][];
  captions: number[][];
  /** Names of the trainable parameters, in captrain's order. */
  trained: string[];
  learningRate: number;
  warmup: number;
  steps: number;
}

function captionerCase(name: string, mapper: Partial<MapperConfig>, frozen: boolean): GoldenCase {
  const configFor = (folder: string): CaptionerConfig => ({
    ...mapperConfig.parse({ prefixLength: 4, clipLength: 3, mapperLayers: 2, mapperHeads: 4, ...mapper }),
    ...languageModelConfig.parse({
      languageModel: path.join(folder, 'gpt2'),
      freezeLanguageModel: frozen,
      maxCaptionTokens: 20,
    }),
  });
  return {
    name,
    kind: 'captioner',
    write: async (folder) => {
      await writeTinyGpt2(path.join(folder, 'gpt2'));
      const captioner = await Captioner.create({ config: configFor(folder), embeddingDim: DIM, seed: 11 });
      const embeddings = texts.map((text) => [...new RandomStream(5, text).normal(DIM, 1)]);
      const input: Input = {
        options: captioner.config,
        dim: DIM,
        frozen,
        embeddings,
        captions: texts.map((text) => captioner.tokenizer.encode(text)),
        trained: captioner.layout.entries.map(({ name }) => name),
        learningRate: LEARNING_RATE,
        warmup: WARMUP,
        steps: STEPS,
      };
      await writeFile(path.join(folder, 'input.json'), JSON.stringify(input));
      const start = writeSafetensors(tensorsOfFlat(captioner.layout, captioner.exportFlat()));
      await writeFile(path.join(folder, 'start.safetensors'), start);
      captioner.close();
    },
    compute: async (folder) => {
      const { embeddings, captions } = JSON.parse(
        await readFile(path.join(folder, 'input.json'), 'utf8'),
      ) as Input;
      const weights = path.join(folder, 'start.safetensors');
      const captioner = await Captioner.load({ config: configFor(folder), weights });
      const flat = Float32Array.from(embeddings.flat());
      const batch = { embeddings: flat, tokens: captions };
      const greedy = captionGreedy(captioner, flat, { maxTokens: 12 });
      const beam = captionBeam(captioner, flat, { beams: 4, maxTokens: 12 });
      const { gradients, captionTokens } = captioner.gradient(batch);
      const norms = captioner.layout.entries.map(
        ({ offset, length }) => Math.hypot(...gradients.subarray(offset, offset + length)) / captionTokens,
      );
      const losses = train(captioner, batch);
      captioner.close();
      return { losses, gradientNorms: norms, greedy, beam };
    },
  };
}

/** The loss before each of the steps. */
function train(captioner: Captioner, batch: { embeddings: Float32Array; tokens: number[][] }): number[] {
  const config = optimizerConfig.parse({ learningRate: LEARNING_RATE, warmupSteps: WARMUP });
  const optimizer = new AdamW(captioner.variables, config);
  const losses = Array.from({ length: STEPS }, (_, step) => {
    const { lossSum, captionTokens, gradients } = captioner.gradient(batch);
    const learningRate = learningRateAt(config, step, STEPS);
    optimizer.apply(gradients, { scale: 1 / captionTokens, learningRate });
    return lossSum / captionTokens;
  });
  optimizer.close();
  return losses;
}

export const captionerCases: readonly GoldenCase[] = [
  captionerCase('MLP mapper, fine-tuned', { mapper: 'mlp' }, false),
  captionerCase('Transformer mapper, frozen', { mapper: 'transformer' }, true),
  captionerCase(
    'Transformer mapper, normalised, fine-tuned',
    { mapper: 'transformer', normalizePrefix: true },
    false,
  ),
];
