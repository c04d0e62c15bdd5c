import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ClipConfig, clipConfig, clipShapes } from './clip/clip-config.js';
import { initClip } from './clip/load-clip.js';
import { type Gpt2Config, dropoutRates, gpt2Config, gpt2Shapes } from './gpt2/gpt2-config.js';
import { initGpt2 } from './gpt2/load-gpt2.js';
export { goldenCases } from './golden/golden-cases.js';
export type { GoldenValues } from './golden/golden-case.js';
import { writeModelFolder } from './write-model-folder.js';

export { HubServerModel } from './hub/testing/hub-model.js';
export { HubServer } from './hub/testing/hub-server.js';

/**
 * Writes a GPT-2 of a few thousand random weights, without dropout and with a tokenizer of single bytes, into a folder:
 * a whole language model for tests that need a real one.
 */
export function writeTinyGpt2(folder: string, overrides: Partial<Gpt2Config> = {}, seed = 1): Gpt2Config {
  const vocabulary = byteVocabulary();
  const config = gpt2Config.parse({
    vocab_size: Object.keys(vocabulary).length,
    n_positions: 48,
    n_embd: 16,
    n_layer: 2,
    n_head: 2,
    initializer_range: 0.2,
    ...dropoutRates(0),
    ...overrides,
  });
  writeModelFolder(folder, { config, shapes: gpt2Shapes(config), values: initGpt2(config, seed) });
  writeFileSync(path.join(folder, 'vocab.json'), JSON.stringify(vocabulary));
  writeFileSync(path.join(folder, 'merges.txt'), '#version: 0.2\n');
  return config;
}

/**
 * Writes a CLIP of a few thousand random weights, for pictures of 32×32 pixels and embeddings of `projection` values,
 * into a folder; it has no tokenizer.
 */
export function writeTinyClip(folder: string, projection = 24, seed = 1): ClipConfig {
  const tower = { hidden_size: 16, intermediate_size: 32, num_hidden_layers: 2, num_attention_heads: 2 };
  const config = clipConfig.parse({
    projection_dim: projection,
    vision_config: { ...tower, image_size: 32, patch_size: 8 },
    text_config: { ...tower, vocab_size: 257, max_position_embeddings: 16, eos_token_id: 256 },
  });
  writeModelFolder(folder, { config, shapes: clipShapes(config), values: initClip(config, seed) });
  const processor = { size: { shortest_edge: 32 }, crop_size: { height: 32, width: 32 } };
  writeFileSync(path.join(folder, 'preprocessor_config.json'), `${JSON.stringify(processor)}\n`);
  return config;
}

/** GPT-2's letters for the 256 bytes, and its end of text. */
function byteVocabulary(): Record<string, number> {
  const isPrintable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let next = 256;
  const letters = Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(isPrintable(byte) ? byte : next++),
  );
  return Object.fromEntries([...letters, '<|endoftext|>'].map((token, id) => [token, id]));
}
