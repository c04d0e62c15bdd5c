import path from 'node:path';
import { startEngine, tf } from '@captrain/engine';
import {
  clipConfig,
  clipImageFeatures,
  clipShapes,
  clipTextFeatures,
  clipTokens,
  initClip,
  readImagePreprocessor,
  sumCrossEntropy,
  tensorsOfValues,
  Tokenizer,
  writeModelFolder,
  type ClipConfig,
  type Parameters,
} from '@captrain/model';
import { captionsOf } from '../grammar.js';
import { nearScene } from '../near-scene.js';
import { seededRandom } from '../random.js';
import { drawScenes, type DrawnScene } from './drawn-scenes.js';
import { asVariables, optimise, valuesOf, type PretrainOptions } from './optimise.js';
import { probe } from './probe.js';
import { trainingCaptions } from './training-captions.js';
import { writeJson, writeTokenizer } from './write-tokenizer.js';

const recipe = { steps: 4000, learningRate: 2e-3, warmupSteps: 60, weightDecay: 0.01 };
const imageSize = 64;
const batchSize = 64;
/** Captions of near scenes beside each picture's own. */
const nearCaptions = 3;
const maxTokens = 24;
const drawnScenes = 12_000;

/**
 * Trains the demo's CLIP by its contrastive loss and writes its folder. Every picture has to find its caption among
 * those of the batch and those of scenes that differ from its own in one point; every caption its picture in the batch.
 */
export async function pretrainClip(folder: string, options: PretrainOptions): Promise<void> {
  const { seed, steps = recipe.steps, threads } = options;
  await startEngine({ device: 'cpu', threads });
  const vocabulary = writeTokenizer(folder, 'clip', trainingCaptions(seed));
  writeJson(folder, 'preprocessor_config.json', preprocessing);
  const [tokenizer, preprocessor] = [await Tokenizer.load(folder), readImagePreprocessor(folder)];
  const config = smallClip(vocabulary, tokenizer.endOfTextId);
  const parameters = asVariables(tensorsOfValues(clipShapes(config), initClip(config, seed)));
  const scenes = await drawScenes('train', drawnScenes, seed, preprocessor);
  const save = () =>
    writeModelFolder(folder, {
      config: { ...config, architectures: ['CLIPModel'] },
      shapes: clipShapes(config),
      values: valuesOf(parameters),
      dtype: 'F16',
    });
  await optimise([...parameters.values()], { ...recipe, steps }, async (step) => {
    if (step > 0 && step % 400 === 0) save();
    const random = seededRandom('clip', seed, step);
    const batch = Array.from({ length: batchSize }, () => random.pick(scenes));
    const texts = batch.map(({ scene }) => random.pick(captionsOf(scene)));
    for (let round = 0; round < nearCaptions; round++)
      texts.push(...batch.map(({ scene }) => random.pick(captionsOf(nearScene(scene, random)))));
    const tokens = clipTokens(tokenizer, texts, maxTokens);
    return () =>
      contrastiveLoss(parameters, config, pixelsOf(batch), tf.tensor2d(tokens, undefined, 'int32'));
  });
  save();
  console.log(`wrote ${path.resolve(folder)}`);
  const held = await drawScenes('val', 1000, seed, preprocessor);
  const embed = (drawn: DrawnScene[]) =>
    tf.tidy(() => unit(clipImageFeatures(parameters, config, pixelsOf(drawn))).arraySync());
  console.log(probe(scenes.slice(0, 6000), held, embed));
}

/** CLIP's symmetric loss; texts beyond the pictures' own are candidates for the pictures alone. */
function contrastiveLoss(
  parameters: Parameters,
  config: ClipConfig,
  pixels_BHWC: tf.Tensor,
  tokens_NT: tf.Tensor,
): tf.Scalar {
  const image_BQ = unit(clipImageFeatures(parameters, config, pixels_BHWC));
  const text_NQ = unit(clipTextFeatures(parameters, config, tokens_NT));
  const scale = tf.exp(tf.minimum(parameters.get('logit_scale')!, Math.log(100)));
  const logits_BN = tf.mul(tf.matMul(image_BQ, text_NQ, false, true), scale);
  const logits_BB = tf.slice(logits_BN, [0, 0], [batchSize, batchSize]);
  const own_B = tf.range(0, batchSize, 1, 'int32');
  const sum = tf.add(sumCrossEntropy(logits_BN, own_B), sumCrossEntropy(tf.transpose(logits_BB), own_B));
  return tf.div(sum, 2 * batchSize);
}

function unit(x_BQ: tf.Tensor2D): tf.Tensor2D {
  return tf.mul(x_BQ, tf.rsqrt(tf.sum(tf.square(x_BQ), 1, true)));
}

function pixelsOf(drawn: readonly DrawnScene[]): tf.Tensor4D {
  const values = imageSize * imageSize * 3;
  const pixels = new Float32Array(drawn.length * values);
  drawn.forEach((scene, index) => pixels.set(scene.pixels, index * values));
  return tf.tensor4d(pixels, [drawn.length, imageSize, imageSize, 3]);
}

function smallClip(vocabulary: number, endOfTextId: number): ClipConfig {
  return clipConfig.parse({
    projection_dim: 128,
    vision_config: {
      hidden_size: 128,
      intermediate_size: 512,
      num_hidden_layers: 4,
      num_attention_heads: 4,
      image_size: imageSize,
      patch_size: 16,
    },
    text_config: {
      vocab_size: vocabulary,
      hidden_size: 64,
      intermediate_size: 256,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      max_position_embeddings: maxTokens,
      eos_token_id: endOfTextId,
    },
  });
}

const preprocessing = {
  image_processor_type: 'CLIPImageProcessor',
  do_resize: true,
  size: { shortest_edge: imageSize },
  resample: 3,
  do_center_crop: true,
  crop_size: { height: imageSize, width: imageSize },
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
  do_convert_rgb: true,
};
