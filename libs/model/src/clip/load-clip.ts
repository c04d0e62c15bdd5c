import { loadParameters } from '../load-parameters.js';
import type { ParameterValues } from '../parameters.js';
import { RandomStream } from '../random.js';
import { readJsonObject } from '../read-json.js';
import { type ClipConfig, VISION_ONLY, clipShapes, parseClipConfig, visionShapes } from './clip-config.js';
import { type ClipModel, embeddingShapes, textTower, vitTower } from './clip-model.js';

/**
 * Loads a folder in Hugging Face layout: both towers, or the picture tower alone where its config says so. What does
 * not fit is a UserError.
 */
export async function loadClip(folder: string): Promise<ClipModel> {
  const json = readJsonObject(folder, 'config.json');
  const config = parseClipConfig(json, folder);
  const isVisionOnly = json.model_type === VISION_ONLY;
  const shapes = isVisionOnly ? visionShapes(config) : embeddingShapes(config);
  const name = (found: string) =>
    found === 'logit_scale' || found.endsWith('.position_ids') ? undefined : found;
  const parameters = await loadParameters(folder, shapes, name);
  return {
    dim: config.projection_dim,
    vision: vitTower(config, parameters),
    text: isVisionOnly ? undefined : textTower(config, parameters),
    parameters,
  };
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
