import path from 'node:path';
import { ShardWriter, openStore } from '@captrain/data';
import { RandomStream } from '@captrain/model';
import { writeTinyGpt2 } from '@captrain/model/testing';

const words =
  'a the one small large red green dog bird house under over near with and two runs sits sees'.split(' ');
const DIM = 512;

/**
 * Writes embeddings (512 values, as CLIP ViT-B/32's) of random images with five random captions each, and a small
 * random GPT-2: what a run reads, without pictures. The same bytes for the same arguments.
 */
export async function writeInputs(
  folder: string,
  sizes: { images: number; width: number; layers: number },
): Promise<{ data: string; languageModel: string }> {
  const data = path.join(folder, 'embeddings');
  const languageModel = path.join(folder, 'gpt2');
  writeTinyGpt2(languageModel, { n_embd: sizes.width, n_layer: sizes.layers, n_head: 4, n_positions: 96 });
  const writer = await ShardWriter.create(await openStore(data), {
    encoder: 'random',
    encoderRevision: 'seed-1',
    dim: DIM,
    dtype: 'float16',
    normalized: false,
    preprocessing: 'none',
    software: 'captrain bench',
  });
  const lengths = new RandomStream(1, 'lengths');
  const choices = new RandomStream(1, 'words');
  const embeddings = new RandomStream(1, 'embeddings');
  for (let image = 0; image < sizes.images; image++) {
    const captions = Array.from(lengths.uniform(5, 1), (value) => {
      const length = 8 + Math.floor(Math.abs(value) * 6);
      const picks = choices.uniform(length, 1);
      return Array.from(
        picks,
        (pick) => words[Math.floor(Math.abs(pick) * words.length) % words.length],
      ).join(' ');
    });
    await writer.add({
      imageId: String(image),
      embedding: embeddings.normal(DIM, 1),
      captions,
      split: 'train',
    });
  }
  await writer.close();
  return { data, languageModel };
}
