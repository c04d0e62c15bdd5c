import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { tf } from '@captrain/engine';
import { type Gpt2Config, gpt2Config, gpt2Shapes } from '../gpt2/gpt2-config.js';
import { gpt2Logits } from '../gpt2/gpt2.js';
import { initGpt2, loadGpt2 } from '../gpt2/load-gpt2.js';
import { writeModelFolder } from '../write-model-folder.js';
import { type GoldenCase, scattered } from './golden-case.js';

const ids = [
  [3, 1, 4, 1, 5, 9],
  [2, 7, 1, 8, 2, 8],
];
const small = { vocab_size: 23, n_positions: 16, n_embd: 24, n_layer: 3, n_head: 4, initializer_range: 0.2 };

function gpt2Case(name: string, overrides: Partial<Gpt2Config>): GoldenCase {
  return {
    name,
    kind: 'gpt2',
    write: async (folder) => {
      const config = gpt2Config.parse({ ...small, ...overrides });
      const shapes = gpt2Shapes(config);
      await mkdir(folder, { recursive: true });
      writeModelFolder(folder, { config, shapes, values: scattered(shapes, initGpt2(config, 1), 2) });
      await writeFile(path.join(folder, 'input.json'), JSON.stringify({ ids }));
    },
    compute: async (folder) => {
      const { ids } = JSON.parse(await readFile(path.join(folder, 'input.json'), 'utf8')) as {
        ids: number[][];
      };
      const { config, parameters } = await loadGpt2(folder);
      const logits_BTV = tf.tidy(() => gpt2Logits(parameters, config, tf.tensor2d(ids, undefined, 'int32')));
      const values = [...logits_BTV.dataSync()];
      tf.dispose([logits_BTV, ...parameters.values()]);
      return { logits: values };
    },
  };
}

export const gpt2Cases: readonly GoldenCase[] = [
  gpt2Case('gpt2', {}),
  gpt2Case('gpt2 of unusual config', {
    n_inner: 50,
    activation_function: 'gelu',
    layer_norm_epsilon: 1e-3,
    scale_attn_weights: false,
    scale_attn_by_inverse_layer_idx: true,
    tie_word_embeddings: false,
  }),
];
