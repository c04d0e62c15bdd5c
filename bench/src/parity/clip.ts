import path from 'node:path';
import { tf } from '@captrain/engine';
import { findClipSource, readSafetensors } from '@captrain/model';
import { maxAbsDifference } from './compare.js';
import { type ParityContext, type ParityGroup, tensorOf } from './context.js';
import { type ParityRow, atMost } from './row.js';

const models = [
  ['transformers', 'ViT-B/32'],
  ['transformers', 'ViT-B/16'],
  ['transformers', 'ViT-B/16 with gelu'],
  ['transformers', 'ViT-L/14'],
  ['transformers', 'ViT-L/14@336'],
  ['open_clip', 'ViT-B-32'],
  ['open_clip', 'ViT-B-32-quickgelu'],
  ['open_clip', 'RN50x4'],
] as const;

/** Embeddings of prepared pixels and of token ids, by CLIPs of both layouts. */
export const clip: ParityGroup = {
  name: 'clip',
  run: async (context) => {
    const rows: ParityRow[] = [];
    for (const [kind, name] of models) rows.push(...(await embeddings(context, kind, name)));
    return rows;
  },
};

async function embeddings(context: ParityContext, kind: string, name: string): Promise<ParityRow[]> {
  const folder = path.join(context.folder, `${kind}-${name.replaceAll(/\W/g, '-')}`);
  context.progress(`${name}: PyTorch`);
  await context.peer('clip.py', folder, kind, name);
  context.progress(`${name}: captrain`);
  const file = path.join(folder, 'expected.safetensors');
  const model = await (await findClipSource(folder)).load();
  let [image, text] = [new Float32Array(), new Float32Array()];
  tf.tidy(() => {
    image = Float32Array.from(model.vision.features(tensorFrom(file, 'pixels', 'float32')).dataSync());
    text = Float32Array.from(model.text!.features(tensorFrom(file, 'tokens', 'int32')).dataSync());
  });
  tf.dispose([...model.parameters.values()]);
  const row = (what: string, ours: Float32Array, theirs: string) =>
    atMost(`CLIP ${name} (${kind}): ${what}, max abs`, 1e-4, maxAbsDifference(ours, tensorOf(file, theirs)));
  return [row('image embedding', image, 'image'), row('text embedding', text, 'text')];
}

function tensorFrom(file: string, name: string, dtype: 'float32' | 'int32'): tf.Tensor {
  const { shape } = readSafetensors(file).tensors.get(name)!;
  return tf.tensor(tensorOf(file, name), [...shape], dtype);
}
