import path from 'node:path';
import { tf } from '@captrain/engine';
import { gpt2Logits, loadGpt2, readSafetensors } from '@captrain/model';
import { maxAbsDifference } from './compare.js';
import { type ParityContext, type ParityGroup, tensorOf } from './context.js';
import { type ParityRow, atMost } from './row.js';

const sizes = { small: 'GPT-2 small', medium: 'GPT-2 medium', unusual: 'GPT-2 of unusual config' };

/** Logits of random GPT-2s that transformers saved. */
export const gpt2: ParityGroup = {
  name: 'gpt2',
  run: async (context) => {
    const rows: ParityRow[] = [];
    for (const [size, title] of Object.entries(sizes)) rows.push(await logits(context, size, title));
    return rows;
  },
};

async function logits(context: ParityContext, size: string, title: string): Promise<ParityRow> {
  const folder = path.join(context.folder, size);
  context.progress(`${title}: PyTorch`);
  await context.peer('gpt2.py', folder, size);
  context.progress(`${title}: captrain`);
  const expected = path.join(folder, 'expected.safetensors');
  const shape = [...readSafetensors(expected).tensors.get('ids')!.shape] as [number, number];
  const { config, parameters } = await loadGpt2(folder);
  const ids_BT = tf.tensor2d(tensorOf(expected, 'ids'), shape, 'int32');
  const logits_BTV = tf.tidy(() => gpt2Logits(parameters, config, ids_BT));
  const ours = logits_BTV.dataSync() as Float32Array;
  tf.dispose([ids_BT, logits_BTV, ...parameters.values()]);
  return atMost(`${title}: logits, max abs`, 1e-4, maxAbsDifference(ours, tensorOf(expected, 'logits')));
}
