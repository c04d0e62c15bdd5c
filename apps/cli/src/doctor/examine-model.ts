import { statSync } from 'node:fs';
import { listDevices, startEngine } from '@captrain/engine';
import type { EngineConfig } from '@captrain/engine/config';
import { describeModel, type LanguageModelDescription, type ModelDescription } from '@captrain/model';
import { modelFolder } from '@captrain/model/hub';
import { colors, formatBytes, formatTable } from '@captrain/runtime';
import { type Assumptions, type Place, captioningBytes, mainMemory, variantsOf } from './model-memory.js';
import { modelRows } from './model-rows.js';

export interface ExamineOptions {
  engine: EngineConfig;
  batch: Pick<Assumptions, 'batchSize' | 'microbatches' | 'localSteps' | 'islands'>;
  json: boolean;
  signal: AbortSignal;
}

/** Says what a model is, by its config and the headers of its weights; of a language model also what memory it takes. */
export async function examineModel(
  name: string,
  { engine, batch, json, signal }: ExamineOptions,
): Promise<void> {
  const model = await describeModel(isFile(name) ? name : await modelFolder(name, { signal }));
  const languageModel = languageModelOf(model);
  const assumed: Assumptions = {
    ...batch,
    embeddingDim: model.kind === 'captioner' ? model.embeddingDim : 512,
    captionTokens: 30,
  };
  const place = await placeOf(engine);
  const training = languageModel && {
    assumed,
    place,
    variants: variantsOf(languageModel, assumed, place),
    captioning: captioningBytes(languageModel, assumed),
  };
  if (json) {
    console.log(JSON.stringify({ ...model, training }, null, 2));
    return;
  }
  const rows = modelRows(model).map(([what, finding]) => [colors.bold(what), finding]);
  console.log(formatTable(rows));
  if (training) console.log(`\n${memoryTable(training)}`);
}

/** A checkpoint's file has no name on the hub. */
function isFile(name: string): boolean {
  return statSync(name, { throwIfNoEntry: false })?.isFile() === true;
}

function languageModelOf(model: ModelDescription): LanguageModelDescription | undefined {
  if (model.kind === 'language model') return model;
  return model.kind === 'captioner' ? model.languageModel : undefined;
}

/** Where training would compute: the largest GPU that the engine finds, or main memory. */
async function placeOf(engine: EngineConfig): Promise<Place> {
  const { device } = await startEngine(engine);
  if (device !== 'gpu') return mainMemory;
  const gpus = listDevices().filter(({ type }) => type === 'GPU');
  const largest = gpus.toSorted((a, b) => b.bytes - a.bytes)[0];
  return largest === undefined ? mainMemory : { name: 'the GPU', bytes: largest.bytes, isGpu: true };
}

function memoryTable(training: {
  assumed: Assumptions;
  place: Place;
  variants: ReturnType<typeof variantsOf>;
  captioning: number;
}): string {
  const { assumed, place, variants, captioning } = training;
  const of = (pick: (variant: (typeof variants)[number]) => number) =>
    variants.map((variant) => formatBytes(pick(variant)));
  const isLocal = assumed.localSteps > 1;
  const rows = [
    ['memory to train', ...variants.map(({ name }) => name)].map((text) => colors.bold(text)),
    ['  weights', ...of(({ memory }) => memory.weights)],
    ['  gradients', ...of(({ memory }) => memory.gradients)],
    ["  AdamW's moments", ...of(({ memory }) => memory.moments)],
    ['  activations', ...of(({ memory }) => memory.activations)],
    ['  temporary, in the update', ...of(({ memory }) => memory.update)],
    [isLocal ? '  rounds of local steps' : '  exchange of gradients', ...of(({ memory }) => memory.exchange)],
    ['  writing a checkpoint', ...of(({ memory }) => memory.checkpoint)],
    ['  coordinator', ...of(({ memory }) => memory.coordinator)],
    ...(place.isGpu ? [['on the GPU', ...of(({ memory }) => memory.device)]] : []),
    ['main memory, one worker', ...of(({ mainMemory }) => mainMemory)],
    [
      `fits ${place.name} (${formatBytes(place.bytes)})`,
      ...variants.map(({ fits }) => (fits ? colors.green('yes') : colors.red('no'))),
    ],
  ];
  const { batchSize, microbatches, captionTokens, localSteps, islands } = assumed;
  const rounds = isLocal ? `, in rounds of ${localSteps} local steps by ${islands} islands` : '';
  return [
    formatTable(rows, 'lrr'),
    '',
    `captioning 32 images at once: ${formatBytes(captioning)}`,
    colors.dim(
      `Estimates: batches of ${batchSize} captions in ${microbatches} microbatches, ${captionTokens} tokens each, float32${rounds}; ` +
        'prefix 10 for the MLP, 40 for the Transformer. Not all parts are at their highest at the same time.',
    ),
  ].join('\n');
}
