import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { bleu, pair, readPredictions, readReferences } from '@captrain/evaluation';
import type { DemoPaths } from './demo-folder.js';
import type { LossPoint, Sample, VariantResult } from './report/report-data.js';
import { variants, type Variant } from './variants.js';

interface StepLine extends LossPoint {
  captions: number;
  seconds: number;
}

/** A variant's scores and curve, from the files that its commands wrote; `seconds` is what its training took. */
export async function resultOf(paths: DemoPaths, variant: Variant, seconds: number): Promise<VariantResult> {
  const lines = await stepLines(paths.run(variant.name));
  // The first steps load TensorFlow's kernels and open files.
  const settled = lines.length > 20 ? lines.slice(10) : lines;
  const sum = (key: 'captions' | 'seconds') => settled.reduce((total, line) => total + line[key], 0);
  return {
    variant,
    bleu4: await bleu4(paths.predictions(variant.name, false), paths.references),
    bleu4Shuffled: await bleu4(paths.predictions(variant.name, true), paths.references),
    seconds,
    losses: lines.map(({ step, loss }) => ({ step, loss })),
    captionsPerSecond: sum('captions') / sum('seconds'),
    stepMilliseconds: (1000 * sum('seconds')) / settled.length,
  };
}

async function bleu4(predictions: string, references: string): Promise<number> {
  const paired = pair(await readPredictions(predictions), await readReferences(references));
  return bleu(paired.candidates, paired.references).bleu4;
}

async function stepLines(run: string): Promise<StepLine[]> {
  const text = await readFile(path.join(run, 'metrics.jsonl'), 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as StepLine);
}

/** The first held-out pictures with what both variants said of them. */
export async function firstSamples(paths: DemoPaths, count: number): Promise<Sample[]> {
  const references = [...(await readReferences(paths.references))].slice(0, count);
  const said = await Promise.all(variants.map(({ name }) => readPredictions(paths.predictions(name, false))));
  return Promise.all(
    references.map(async ([imageId, captions]) => ({
      imageId: Number(imageId),
      jpeg: await readFile(path.join(paths.dataset, 'val', `${imageId.padStart(12, '0')}.jpg`)),
      captions: Object.fromEntries(
        variants.map(({ name }, index) => [name, said[index]!.get(imageId) ?? '']),
      ) as Sample['captions'],
      references: captions,
    })),
  );
}
