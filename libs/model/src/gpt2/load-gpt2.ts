import type { tf } from '@captrain/engine';
import { loadParameters } from '../load-parameters.js';
import type { ParameterValues } from '../parameters.js';
import { RandomStream } from '../random.js';
import { type Gpt2Config, gpt2Shapes, readGpt2Config } from './gpt2-config.js';
import { gpt2ParameterName } from './gpt2-names.js';

export interface LoadedGpt2 {
  config: Gpt2Config;
  /** Named as on the hub (`transformer.h.0.attn.c_attn.weight`); the caller disposes them. */
  parameters: Map<string, tf.Tensor>;
}

/** Loads a GPT-2 from a folder in Hugging Face layout. What does not fit is a UserError. */
export async function loadGpt2(folder: string): Promise<LoadedGpt2> {
  const config = readGpt2Config(folder);
  const name = (found: string) => gpt2ParameterName(found, config);
  return { config, parameters: await loadParameters(folder, gpt2Shapes(config), name) };
}

/**
 * New weights as GPT-2 begins with: normal with deviation `initializer_range`, smaller by √(2·layers) where a residual
 * is written; biases 0, layer norms 1. The same seed gives the same bits everywhere.
 */
export function initGpt2(config: Gpt2Config, seed: number): ParameterValues {
  const values: ParameterValues = new Map();
  for (const [name, shape] of gpt2Shapes(config)) {
    const count = shape.reduce((product, size) => product * size, 1);
    const residual = name.endsWith('c_proj.weight');
    const deviation = config.initializer_range / (residual ? Math.sqrt(2 * config.n_layer) : 1);
    if (/\.ln_\w+\.weight$/.test(name)) values.set(name, new Float32Array(count).fill(1));
    else if (name.endsWith('.bias')) values.set(name, new Float32Array(count));
    else values.set(name, new RandomStream(seed, name).normal(count, deviation));
  }
  return values;
}
