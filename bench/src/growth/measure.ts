import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  AdamW,
  Captioner,
  gpt2Config,
  languageModelConfig,
  mapperConfig,
  optimizerConfig,
} from '@captrain/model';
import { median } from '../median.js';
import { writeVocabulary } from '../parity/language-model.js';
import { writeRandomGpt2 } from '../random-gpt2.js';
import { DIM } from '../train/task.js';
import { trainingStep } from '../train/training-step.js';
import { trainVariants } from '../train/variants.js';
import { growthBatch } from './growth-batch.js';
import { type Load, type Measurement, type Setting, type Size, sizes } from './measurements.js';

/** A point that was measured: captions a second. */
export interface Measured extends Measurement {
  rate: number;
}

export interface MeasureOptions {
  /** Language models are written here. */
  folder: string;
  /** The data set's captions. */
  tokens: readonly number[][];
  /** Timed steps; the result is their median. */
  steps: number;
  /** Whether there is memory for a captioner; points of one for which there is none are left out. */
  fits: (setting: Setting) => boolean;
  progress: (done: number, all: number) => void;
  signal: AbortSignal;
}

/** Measures every point; one captioner is in memory at a time, and what several points share is measured once. */
export async function measureAll(
  points: readonly Measurement[],
  { folder, tokens, steps, fits, progress, signal }: MeasureOptions,
): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const group of groupedBySetting(points)) {
    if (!fits(group[0]!.setting)) continue;
    const { captioner, optimizer } = await start(group[0]!.setting, folder);
    const loads = [...new Map(group.map(({ load }) => [JSON.stringify(load), load])).values()];
    try {
      progress(measured.length, points.length);
      const rates = await ratesOf(captioner, optimizer, { loads, tokens, steps, signal });
      for (const point of group) measured.push({ ...point, rate: rates.get(JSON.stringify(point.load))! });
    } finally {
      optimizer.close();
      captioner.close();
    }
  }
  return measured;
}

/** Together what one captioner can measure. */
function groupedBySetting(points: readonly Measurement[]): Measurement[][] {
  const groups = new Map<string, Measurement[]>();
  for (const point of points) {
    const key = JSON.stringify(point.setting);
    groups.set(key, [...(groups.get(key) ?? []), point]);
  }
  return [...groups.values()];
}

async function start(
  { variant, precision, size, mapperLayers }: Setting,
  folder: string,
): Promise<{ captioner: Captioner; optimizer: AdamW }> {
  const { mapper, frozen } = trainVariants[variant];
  const config = {
    ...mapperConfig.parse({ mapper, mapperLayers }),
    ...languageModelConfig.parse({
      languageModel: await languageModel(folder, size),
      freezeLanguageModel: frozen,
    }),
    precision,
  };
  const captioner = await Captioner.create({ config, embeddingDim: DIM, seed: 1 });
  return { captioner, optimizer: new AdamW(captioner.variables, optimizerConfig.parse({})) };
}

/** A random GPT-2 of this size, which drops values where steps have a key. Written once. */
async function languageModel(folder: string, size: Size): Promise<string> {
  const place = path.join(folder, size);
  if (existsSync(place)) return place;
  const { n_layer, n_embd, n_head } = sizes[size];
  writeRandomGpt2(place, gpt2Config.parse({ n_layer, n_embd, n_head }));
  await writeVocabulary(place);
  return place;
}

/** Steps of every load that are not timed: one compiles. */
const WARM_UP = 2;

/**
 * The captions a second of every load, by its JSON: the median of some steps, each on the load's own batch. The loads take
 * turns, so that what else the machine does falls on all of them.
 */
async function ratesOf(
  captioner: Captioner,
  optimizer: AdamW,
  options: { loads: readonly Load[]; tokens: readonly number[][]; steps: number; signal: AbortSignal },
): Promise<Map<string, number>> {
  const { loads, tokens, steps, signal } = options;
  const runs = loads.map((load) => ({ load, batch: growthBatch(tokens, load), seconds: [] as number[] }));
  for (let step = 0; step < WARM_UP + steps; step++)
    for (const { load, batch, seconds } of runs) {
      // So that the signal is seen.
      await new Promise(setImmediate);
      signal.throwIfAborted();
      const started = performance.now();
      const dropout = load.drops === true ? { dropoutKey: { seed: 1, step } } : {};
      trainingStep(captioner, optimizer, batch, { learningRate: 1e-5, ...dropout });
      seconds.push((performance.now() - started) / 1000);
    }
  return new Map(
    runs.map(({ load, seconds }) => [JSON.stringify(load), load.captions / median(seconds.slice(WARM_UP))]),
  );
}
