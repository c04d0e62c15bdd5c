import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine, tf } from '@captrain/engine';
import { sha256 } from '@captrain/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { languageModelConfig, mapperConfig, precisionConfig } from '../config.js';
import { RandomStream } from '../random.js';
import { writeTinyGpt2 } from '../testing.js';
import { captionGradient, captionLoss } from './caption-loss.js';
import { Captioner } from './captioner.js';
import { type CaptionBatch, packBatch } from './packed-batch.js';
import { packedTensors } from './packed-tensors.js';
import { plainStep } from './plain-step.cases.js';

const DIM = 6;
const folder = mkdtempSync(path.join(tmpdir(), 'captrain-packed-'));
const untied = path.join(folder, 'untied');
beforeAll(async () => {
  await startEngine({ device: 'cpu' });
  writeTinyGpt2(folder, { n_embd: 32 });
  writeTinyGpt2(untied, { n_embd: 32, tie_word_embeddings: false });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Three images, the second of which no caption is about; some captions have one token only, two begin alike. */
function batchOf(): CaptionBatch {
  const random = new RandomStream(3, 'tokens');
  return {
    embeddings: new RandomStream(2, 'embeddings').normal(3 * DIM, 1),
    tokens: [5, 1, 9, 12, 1, 7].map((length, caption) =>
      Array.from({ length }, (_, i) => (caption > 2 && i < 4 ? i : random.next() % 250)),
    ),
    images: [0, 0, 2, 0, 2, 0],
  };
}

const variants = [
  { mapper: 'mlp', freezeLanguageModel: false, languageModel: folder, title: 'tied head' },
  { mapper: 'mlp', freezeLanguageModel: false, languageModel: untied, title: 'own head' },
  { mapper: 'transformer', freezeLanguageModel: true, languageModel: folder, title: 'tied head' },
  { mapper: 'transformer', freezeLanguageModel: false, languageModel: folder, title: 'tied head' },
] as const;

describe.each(variants)(
  '$mapper, frozen: $freezeLanguageModel, $title',
  ({ mapper, freezeLanguageModel, languageModel }) => {
    const create = (xla = false) =>
      Captioner.create({
        config: {
          ...mapperConfig.parse({ mapper, prefixLength: 3, clipLength: 2, mapperLayers: 2 }),
          ...languageModelConfig.parse({ languageModel, freezeLanguageModel }),
          ...precisionConfig.parse({ xla }),
        },
        embeddingDim: DIM,
        seed: 5,
      });
    const expectPlain = (captioner: Captioner, loss: number, gradients: readonly tf.Tensor[]) => {
      const plain = plainStep(captioner, batchOf());
      expect(Math.abs(loss / plain.loss - 1)).toBeLessThan(1e-5);
      expect(gradients.length).toBe(plain.gradients.length);
      for (const [index, gradient] of gradients.entries()) {
        const expected = plain.gradients[index]!;
        const difference = gradient.dataSync().map((value, i) => value - expected[i]!);
        const { name } = captioner.layout.entries[index]!;
        expect(Math.hypot(...difference) / Math.hypot(...expected), name).toBeLessThan(1e-5);
      }
    };

    test.each([
      { title: 'as long as it is', bucket: (rows: number) => rows },
      { title: 'padded to a bucket', bucket: (rows: number) => rows + 11 },
      { title: 'so long that the head takes it in chunks', bucket: () => 150 },
    ])(
      'packed behind shared prefixes, $title, loss and gradient are those of the plain step',
      async ({ bucket }) => {
        const captioner = await create();
        const packed = packBatch(batchOf(), { embeddingDim: DIM, prefixLength: 3, bucket });
        tf.tidy(() => {
          const tensors = packedTensors(packed, { embeddingDim: DIM, most: 1 });
          const { loss, gradients } = captionGradient(captioner.parts, captioner.variables, tensors, {
            frozen: freezeLanguageModel,
          });
          expectPlain(captioner, loss.dataSync()[0]!, gradients);
          const alone = captionLoss(captioner.parts, tensors).dataSync()[0]!;
          expect(Math.abs(alone / loss.dataSync()[0]! - 1)).toBeLessThan(1e-6);
        });
        captioner.close();
      },
    );

    test.each([
      { by: 'TensorFlow', xla: false },
      { by: 'XLA', xla: true },
    ])('compiled by $by, they are those of the plain step, call after call', async ({ xla }) => {
      const captioner = await create(xla);
      const packed = captioner.pack(batchOf());
      const digests = [1, 2, 3].map(() => {
        const { lossSum, gradients } = captioner.gradientTensors(packed);
        expectPlain(captioner, lossSum, gradients);
        const digest = sha256(...gradients.map((gradient) => new Uint8Array(gradient.dataSync().buffer)));
        tf.dispose(gradients);
        return digest;
      });
      expect(new Set(digests).size).toBe(1);
      expect(captioner.compiledShapes()).toMatchObject([{ calls: 3 }]);
      captioner.close();
    });
  },
);
