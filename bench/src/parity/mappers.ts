import path from 'node:path';
import { tf } from '@captrain/engine';
import { mapPrefix } from '@captrain/model';
import type { MapperConfig } from '@captrain/model';
import { maxAbsDifference } from './compare.js';
import { type ParityContext, type ParityGroup, tensorOf } from './context.js';
import { writeLanguageModel } from './language-model.js';
import { type ParityRow, atMost } from './row.js';
import { type Variant, writeStepTask } from './step-task.js';

const cases: { title: string; variant: Variant; mapper: Partial<MapperConfig>; counts?: number[] }[] = [
  { title: 'MLP mapper', variant: 'mlp', mapper: {} },
  { title: 'Transformer mapper', variant: 'transformer', mapper: {} },
  {
    title: 'Transformer mapper of other lengths, normalised',
    variant: 'transformer',
    mapper: { prefixLength: 40, clipLength: 20, mapperLayers: 3, mapperHeads: 12, normalizePrefix: true },
  },
  {
    title: 'Transformer mapper of sequences',
    variant: 'transformer',
    mapper: { frames: 6, clipLength: 5 },
    counts: [6, 1, 3, 5, 2],
  },
];

/** Prefixes of the reference's mappers at full size. */
export const mappers: ParityGroup = {
  name: 'mappers',
  run: async (context) => {
    const languageModel = await writeLanguageModel(context);
    const rows: ParityRow[] = [];
    for (const each of cases) rows.push(await compare(context, languageModel, each));
    return rows;
  },
};

async function compare(
  context: ParityContext,
  languageModel: string,
  { title, variant, mapper, counts }: (typeof cases)[number],
): Promise<ParityRow> {
  context.progress(title);
  const { captioner, embeddings } = await writeStepTask(context, {
    variant,
    languageModel,
    batches: 10,
    mapper,
    ...(counts && { counts }),
  });
  await context.peer('step.py', context.folder, 'mapper');
  const { embeddingDim: dim, parts } = captioner;
  const prefix_BPD = tf.tidy(() => {
    const rows = counts?.length ?? embeddings.length / dim;
    const embeddings_BFC = tf.tensor3d(embeddings.slice(), [rows, embeddings.length / rows / dim, dim]);
    const frames_B = counts && tf.tensor1d(counts, 'int32');
    return mapPrefix(parts.mapperParameters, parts.mapper, embeddings_BFC, frames_B);
  });
  const ours = prefix_BPD.dataSync() as Float32Array;
  prefix_BPD.dispose();
  captioner.close();
  const theirs = tensorOf(path.join(context.folder, 'prefix.safetensors'), 'prefix');
  return atMost(`${title}: prefix, max abs`, 1e-4, maxAbsDifference(ours, theirs));
}
