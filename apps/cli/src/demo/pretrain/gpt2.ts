import path from 'node:path';
import { startEngine, tf } from '@captrain/engine';
import {
  dropoutRates,
  gpt2Config,
  gpt2Logits,
  gpt2Shapes,
  initGpt2,
  sumCrossEntropy,
  tensorsOfValues,
  Tokenizer,
  writeModelFolder,
} from '@captrain/model';
import { captionsOf } from '../grammar.js';
import { seededRandom, type Random } from '../random.js';
import { randomSceneOf } from '../split.js';
import { asVariables, optimise, valuesOf, type PretrainOptions } from './optimise.js';
import { trainingCaptions } from './training-captions.js';
import { writeTokenizer } from './write-tokenizer.js';

const recipe = { steps: 1000, learningRate: 1.5e-3, warmupSteps: 60, weightDecay: 0.01 };
const batchSize = 16;
const positions = 80;

/**
 * Trains the demo's GPT-2 as a language model and writes its folder. A document is the captions of one scene in
 * random order, each ended by the end of text, entered at a random word of the first: so the model learns to say
 * again, in other words, what stands before. That is what a frozen GPT-2 can be steered by.
 */
export async function pretrainGpt2(folder: string, options: PretrainOptions): Promise<void> {
  const { seed, steps = recipe.steps, threads } = options;
  await startEngine({ device: 'cpu', threads });
  const vocabulary = writeTokenizer(folder, 'gpt2', trainingCaptions(seed));
  const tokenizer = await Tokenizer.load(folder);
  const config = gpt2Config.parse({
    vocab_size: vocabulary,
    n_positions: 128,
    n_embd: 128,
    n_layer: 4,
    n_head: 4,
    ...dropoutRates(0),
  });
  const parameters = asVariables(tensorsOfValues(gpt2Shapes(config), initGpt2(config, seed)));
  await optimise([...parameters.values()], { ...recipe, steps }, async (step) => {
    const random = seededRandom('gpt2', seed, step);
    const documents = Array.from({ length: batchSize }, () => sceneDocument(tokenizer, random));
    return () => {
      const tokens_BS = tf.tensor2d(documents, undefined, 'int32');
      const inputs_BT = tf.slice(tokens_BS, [0, 0], [batchSize, positions]);
      const targets_N = tf.reshape(tf.slice(tokens_BS, [0, 1], [batchSize, positions]), [-1]);
      const logits_NV = tf.reshape(gpt2Logits(parameters, config, inputs_BT), [-1, vocabulary]);
      return tf.div(sumCrossEntropy(logits_NV, targets_N), batchSize * positions);
    };
  });
  const saved = {
    ...config,
    architectures: ['GPT2LMHeadModel'],
    bos_token_id: tokenizer.endOfTextId,
    eos_token_id: tokenizer.endOfTextId,
  };
  writeModelFolder(folder, {
    config: saved,
    shapes: gpt2Shapes(config),
    values: valuesOf(parameters),
    dtype: 'F16',
  });
  console.log(`wrote ${path.resolve(folder)}`);
}

/** One more token than positions: the last is only a target. */
function sceneDocument(tokenizer: Tokenizer, random: Random): number[] {
  const captions = captionsOf(randomSceneOf('train', random));
  const document: number[] = [];
  while (document.length < positions + 17) {
    const caption = tokenizer.encode(random.pick(captions));
    const start = document.length === 0 ? random.below(caption.length) : 0;
    document.push(...caption.slice(start), tokenizer.endOfTextId);
  }
  return document.slice(0, positions + 1);
}
