import path from 'node:path';
import { ShardWriter, openStore } from '@captrain/data';
import { RandomStream } from '@captrain/model';
import { writeTinyGpt2 } from '@captrain/model/testing';

const things = ['circle', 'square', 'triangle', 'star', 'cross', 'ring'];
const colours = ['red', 'green', 'blue', 'yellow'];
const DIM = 24;

export interface TinyInputs {
  /** URI of the embeddings. */
  readonly data: string;
  /** Folder of the language model. */
  readonly languageModel: string;
}

/**
 * Writes into `folder` what a training run reads, small enough for a step to take milliseconds: random embeddings of
 * 24 images with three captions each, and a random GPT-2 with a tokenizer of single bytes. The same bytes every time.
 * `size` changes GPT-2's; with `val` there is a split of that name, too, of as many images with a caption each.
 */
export async function writeTinyInputs(
  folder: string,
  { val = 0, ...size }: { n_embd?: number; val?: number } = {},
): Promise<TinyInputs> {
  const data = path.join(folder, 'embeddings');
  const languageModel = path.join(folder, 'gpt2');
  writeTinyGpt2(languageModel, size);
  const writer = await ShardWriter.create(await openStore(data), {
    encoder: 'random',
    encoderRevision: 'seed-1',
    dim: DIM,
    dtype: 'float32',
    normalized: false,
    preprocessing: 'none',
    software: 'captrain tests',
  });
  for (const colour of colours) {
    for (const thing of things) {
      await writer.add({
        imageId: `${colour}-${thing}`,
        embedding: new RandomStream(1, `${colour} ${thing}`).normal(DIM, 1),
        captions: [
          `a ${colour} ${thing}`,
          `one ${thing}, ${colour}`,
          `there is a ${thing} and it is ${colour}`,
        ],
        split: 'train',
      });
    }
  }
  for (let image = 0; image < val; image++) {
    await writer.add({
      imageId: `val-${image}`,
      embedding: new RandomStream(2, String(image)).normal(DIM, 1),
      captions: [`there is a ${things[image % things.length]} and ${image} more`],
      split: 'val',
    });
  }
  await writer.close();
  return { data, languageModel };
}
