import type { tf } from '@captrain/engine';
import { loadParameters } from '../load-parameters.js';
import type { ParameterValues } from '../parameters.js';
import { RandomStream } from '../random.js';
import { type ClipConfig, clipShapes, readClipConfig } from './clip-config.js';

export interface LoadedClip {
  config: ClipConfig;
  /** Named as on the hub; the caller disposes them. */
  parameters: Map<string, tf.Tensor>;
}

/** Loads both towers from a folder in Hugging Face layout. What does not fit is a UserError. */
export async function loadClip(folder: string): Promise<LoadedClip> {
  const config = readClipConfig(folder);
  const name = (found: string) => (found.endsWith('.position_ids') ? undefined : found);
  return { config, parameters: await loadParameters(folder, clipShapes(config), name) };
}

/**
 * New weights as transformers makes them for CLIP: normal, with the deviations of its `_init_weights`; biases 0, layer
 * norms 1. The same seed gives the same bits everywhere.
 */
export function initClip(config: ClipConfig, seed: number): ParameterValues {
  const values: ParameterValues = new Map();
  for (const [name, shape] of clipShapes(config)) {
    const count = shape.reduce((product, size) => product * size, 1);
    if (name === 'logit_scale') values.set(name, new Float32Array([config.logit_scale_init_value]));
    else if (name.endsWith('.bias')) values.set(name, new Float32Array(count));
    else if (/norm\d?\.weight$/.test(name)) values.set(name, new Float32Array(count).fill(1));
    else values.set(name, new RandomStream(seed, name).normal(count, deviation(name, config)));
  }
  return values;
}

function deviation(name: string, config: ClipConfig): number {
  const visual = name.startsWith('vis');
  const { hidden_size: width, num_hidden_layers: layers } = visual
    ? config.vision_config
    : config.text_config;
  if (name.endsWith('projection.weight') || name.endsWith('class_embedding')) return width ** -0.5;
  if (name.includes('.embeddings.')) return 0.02;
  if (name.endsWith('out_proj.weight')) return width ** -0.5;
  if (name.endsWith('fc1.weight')) return (2 * width) ** -0.5;
  return width ** -0.5 * (2 * layers) ** -0.5;
}
