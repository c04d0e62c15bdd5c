import path from 'node:path';
import { EmbeddingDataset, openStore } from '@captrain/data';
import { Captioner, joinWeights, readSafetensors } from '@captrain/model';
import { type CheckpointName, findCheckpoint, namesOfKind } from '@captrain/model/run';

/** Captions of a batch; nothing but memory depends on it. */
const BATCH = 100;

/**
 * Cross-entropy in nats per caption token of a run's newest checkpoint, or another, over all captions of a split of its
 * data. The engine has been started.
 */
export async function validationLoss(
  run: string,
  split: string,
  name: CheckpointName = 'latest',
): Promise<number> {
  const { folder, manifest } = await findCheckpoint(await openStore(run), name);
  const { config, files } = manifest;
  const dataset = await EmbeddingDataset.open(await openStore(config.data), split);
  const place = path.join(run, folder);
  const shards = namesOfKind('model', files).map((name) => readSafetensors(path.join(place, name)));
  const captioner = await Captioner.load({ config, weights: joinWeights(shards, place) });
  let [lossSum, captionTokens] = [0, 0];
  for (let first = 0; first < dataset.captions; first += BATCH) {
    const count = Math.min(BATCH, dataset.captions - first);
    const embeddings = new Float32Array(count * dataset.dim);
    const tokens: number[][] = [];
    for (let i = 0; i < count; i++) {
      const { embedding, caption } = await dataset.sample(first + i);
      embeddings.set(embedding, i * dataset.dim);
      tokens.push(captioner.tokenizeCaption(caption));
    }
    const sums = captioner.loss({ embeddings, tokens });
    lossSum += sums.lossSum;
    captionTokens += sums.captionTokens;
  }
  captioner.close();
  return lossSum / captionTokens;
}
