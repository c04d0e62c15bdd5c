import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine } from '@captrain/engine';
import { UserError } from '@captrain/runtime';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { AdamW } from '../adamw.js';
import { bfloat16Refusal } from '../bfloat16-refusal.cases.js';
import { type Precision, languageModelConfig, mapperConfig, optimizerConfig } from '../config.js';
import { tensorsOfFlat } from '../layout.js';
import { RandomStream } from '../random.js';
import { writeTinyGpt2 } from '../testing.js';
import { writeSafetensors } from '../weights/write-safetensors.js';
import { Captioner, type CaptionerConfig } from './captioner.js';

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-precision-'));
afterAll(() => rmSync(folder, { recursive: true }));

await startEngine({ device: 'cpu' });
const refusal = bfloat16Refusal();

// What this machine can, decides which of the two is true of it; libs/engine tests the decision for both.
if (refusal !== undefined)
  test('bfloat16 is refused where the device has none, with what to do', async () => {
    expect(refusal).toBeInstanceOf(UserError);
    expect(refusal.message).toMatch(/bfloat16 is not possible here: .+; use --precision float32/);
    const config = configOf('mlp', 'bfloat16');
    await expect(Captioner.create({ config, embeddingDim: 6, seed: 1 })).rejects.toThrow(refusal.message);
  });
else
  describe.each(['mlp', 'transformer'] as const)('in bfloat16, a captioner with the %s mapper', (mapper) => {
    const open: Captioner[] = [];
    beforeAll(() => void writeTinyGpt2(folder, { n_embd: 32 }));
    afterEach(() => open.splice(0).forEach((captioner) => captioner.close()));
    const create = async (precision: Precision, freezeLanguageModel = false, xla = false) => {
      const config = { ...configOf(mapper, precision), freezeLanguageModel, xla };
      open.push(await Captioner.create({ config, embeddingDim: 6, seed: 11 }));
      return open.at(-1)!;
    };

    test('compiles by XLA too, though that has no kernels of our own', async () => {
      const [byXla, byTensorflow] = [await create('bfloat16', false, true), await create('bfloat16')];
      const [ours, other] = [byXla, byTensorflow].map((each) => each.gradient(batchOf(each)).lossSum);
      expect(Math.abs(ours! / other! - 1)).toBeLessThan(0.01);
    });

    test.each([[false], [true]])(
      'has gradients near those in float32, all of them float32 themselves; frozen: %s',
      async (frozen) => {
        const [narrow, wide] = [await create('bfloat16', frozen), await create('float32', frozen)];
        const [ours, exact] = [narrow, wide].map((captioner) => captioner.gradient(batchOf(captioner)));
        expect(Math.abs(ours!.lossSum / exact!.lossSum - 1)).toBeLessThan(0.01);
        const error = (start = 0, end = wide.layout.length) => {
          const gradient = exact!.gradients.subarray(start, end);
          const difference = gradient.map((value, i) => value - ours!.gradients[start + i]!);
          return Math.hypot(...difference) / Math.hypot(...gradient);
        };
        expect(error()).toBeLessThan(0.03);
        // Far from the loss, behind many products, single tensors stray more.
        for (const { name, offset, length } of wide.layout.entries) {
          expect(error(offset, offset + length), name).toBeLessThan(0.1);
          expect(error(offset, offset + length), name).toBeGreaterThan(0);
        }
      },
    );

    test('follows the losses of float32 over a short training, and keeps float32 weights', async () => {
      const [narrow, wide] = [await create('bfloat16'), await create('float32')];
      const [ours, exact] = [trainFor(40, narrow), trainFor(40, wide)];
      expect(exact.at(-1)!).toBeLessThan(exact[0]! / 2);
      ours.forEach((loss, step) =>
        expect(Math.abs(loss / exact[step]! - 1), `step ${step}`).toBeLessThan(0.01),
      );
      const halved = narrow
        .exportFlat()
        .filter((value) => new Uint32Array(Float32Array.of(value).buffer)[0]! & 0xffff);
      expect(halved.length).toBeGreaterThan(narrow.layout.length / 2);
    });

    test('gives the same bits again', async () => {
      const [a, b] = [await create('bfloat16'), await create('bfloat16')];
      expect(trainFor(3, a)).toEqual(trainFor(3, b));
      expect(a.digest()).toBe(b.digest());
    });

    test('is used in float32 once it is trained, on any machine', async () => {
      const [narrow, wide] = [await create('bfloat16'), await create('float32')];
      const weights = writeSafetensors(tensorsOfFlat(narrow.layout, narrow.exportFlat()));
      open.push(await Captioner.load({ config: configOf(mapper, 'bfloat16'), weights }));
      expect(open.at(-1)!.loss(batchOf(narrow))).toEqual(wide.loss(batchOf(wide)));
    });
  });

function configOf(mapper: 'mlp' | 'transformer', precision: Precision): CaptionerConfig {
  return {
    ...mapperConfig.parse({ mapper, prefixLength: 3, clipLength: 2, mapperLayers: 2, mapperHeads: 4 }),
    ...languageModelConfig.parse({ languageModel: folder }),
    precision,
  };
}

function batchOf(captioner: Captioner) {
  const embeddings = new RandomStream(2, 'embeddings').normal(12, 1);
  return { embeddings, tokens: ['a cat', 'two dogs run'].map((text) => captioner.tokenizeCaption(text)) };
}

/** The mean losses of some steps on one batch. */
function trainFor(steps: number, captioner: Captioner): number[] {
  const optimizer = new AdamW(captioner.variables, optimizerConfig.parse({}));
  const losses = Array.from({ length: steps }, () => {
    const { lossSum, captionTokens, gradients } = captioner.gradient(batchOf(captioner));
    optimizer.apply(gradients, { scale: 1 / captionTokens, learningRate: 2e-3 });
    return lossSum / captionTokens;
  });
  optimizer.close();
  return losses;
}
