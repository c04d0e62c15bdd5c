import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { tf } from '@captrain/engine';
import { type ClipConfig, clipConfig, clipShapes } from '../clip/clip-config.js';
import type { ClipModel } from '../clip/clip-model.js';
import { loadClip, initClip } from '../clip/load-clip.js';
import { inferOpenClipConfig } from '../clip/open-clip/infer-open-clip-config.js';
import { loadOpenClip } from '../clip/open-clip/load-open-clip.js';
import { type OpenClipConfigInput, parseOpenClipConfig } from '../clip/open-clip/open-clip-config.js';
import { writeOpenClip } from '../clip/open-clip/random-open-clip.js';
import { RandomStream } from '../random.js';
import { openWeights } from '../weights/open-weights.js';
import { writeModelFolder } from '../write-model-folder.js';
import { type GoldenCase, type GoldenValues, scattered } from './golden-case.js';

/** Start 21 and end 22, the highest, as in CLIP's vocabulary; the rest is padding. */
const tokens = [
  [21, 3, 1, 4, 22, 0],
  [21, 5, 22, 0, 0, 0],
];
const text = {
  vocab_size: 23,
  hidden_size: 24,
  intermediate_size: 40,
  num_hidden_layers: 2,
  num_attention_heads: 3,
};

function clipCase(name: string, side: number, overrides: object): GoldenCase {
  return {
    name,
    kind: 'clip',
    write: async (folder) => {
      const config: ClipConfig = clipConfig.parse({
        projection_dim: 10,
        vision_config: {
          hidden_size: 32,
          intermediate_size: 48,
          num_hidden_layers: 2,
          num_attention_heads: 4,
          image_size: side,
          patch_size: 4,
          ...overrides,
        },
        text_config: { ...text, max_position_embeddings: 6, eos_token_id: 22, ...overrides },
      });
      const shapes = clipShapes(config);
      await writeModelFolder(folder, { config, shapes, values: scattered(shapes, initClip(config, 1), 2) });
      await writeInput(folder, side, '');
    },
    compute: async (folder) => embeddingsOf(folder, await loadClip(folder)),
  };
}

function openClipCase(name: string, side: number, config: OpenClipConfigInput, weights?: string): GoldenCase {
  const file = weights ?? 'open_clip_model.safetensors';
  return {
    name,
    kind: 'open_clip',
    write: async (folder) => {
      writeOpenClip(folder, config, { weights: file });
      await writeInput(folder, side, file);
    },
    compute: async (folder) => {
      const place = path.join(folder, file);
      const opened = await openWeights(place);
      const found =
        weights === undefined
          ? parseOpenClipConfig(config, place)
          : inferOpenClipConfig(opened.tensors, place);
      return embeddingsOf(folder, loadOpenClip(opened, found));
    },
  };
}

async function writeInput(folder: string, side: number, weights: string): Promise<void> {
  const pixels = [...new RandomStream(7, 'pixels').normal(2 * side * side * 3, 1)];
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'input.json'), JSON.stringify({ pixels, side, tokens, weights }));
}

async function embeddingsOf(folder: string, model: ClipModel): Promise<GoldenValues> {
  const { pixels, side } = JSON.parse(await readFile(path.join(folder, 'input.json'), 'utf8')) as {
    pixels: number[];
    side: number;
  };
  const image_BQ = tf.tidy(() => model.vision.features(tf.tensor(pixels, [2, side, side, 3])));
  const text_BQ = tf.tidy(() => model.text!.features(tf.tensor2d(tokens, undefined, 'int32')));
  const values = { image: [...image_BQ.dataSync()], text: [...text_BQ.dataSync()] };
  tf.dispose([image_BQ, text_BQ, ...model.parameters.values()]);
  return values;
}

const openText = { vocab_size: 23, width: 24, heads: 3, layers: 2, context_length: 6, mlp_ratio: 1.5 };

export const clipCases: readonly GoldenCase[] = [
  clipCase('clip', 12, {}),
  clipCase('clip with gelu and another epsilon', 14, { hidden_act: 'gelu', layer_norm_eps: 1e-3 }),
  openClipCase('open_clip', 12, {
    embed_dim: 10,
    vision_cfg: { layers: 2, width: 32, head_width: 8, patch_size: 4, image_size: 12, mlp_ratio: 2 },
    text_cfg: openText,
  }),
  openClipCase('open_clip resnet', 64, {
    embed_dim: 10,
    quick_gelu: true,
    vision_cfg: { layers: [1, 2, 1, 1], width: 8, head_width: 32, image_size: 64, patch_size: null },
    text_cfg: openText,
  }),
  openClipCase(
    'openai weights',
    64,
    {
      embed_dim: 10,
      quick_gelu: true,
      vision_cfg: { layers: [1, 1, 2, 1], width: 8, image_size: 64, patch_size: null },
      text_cfg: { vocab_size: 23, width: 64, heads: 1, layers: 1, context_length: 6 },
    },
    'weights.safetensors',
  ),
];
