import { tf } from '@captrain/engine';
import { parametersOf } from '../../load-parameters.js';
import type { ParameterShapes } from '../../parameters.js';
import type { WeightsFile } from '../../weights/weights-file.js';
import { type ClipConfig, clipConfig, textShapes, visionShapes } from '../clip-config.js';
import { type ClipModel, textTower, type VisionTower, vitTower } from '../clip-model.js';
import { LEGACY_END } from '../clip.js';
import { foldBatchNorms } from '../resnet/fold-batch-norms.js';
import { resnetFeatures } from '../resnet/resnet.js';
import { type ResnetConfig, resnetShapes } from '../resnet/resnet-config.js';
import type { OpenClipConfig } from './open-clip-config.js';
import { openClipSource, plainOpenClipName, sourceShape } from './open-clip-names.js';

/**
 * A CLIP from weights with OpenAI's names. Transformers take Hugging Face's names and layouts, so that there is one
 * computation. What is missing, misshapen or of no known use is a UserError.
 */
export function loadOpenClip(weights: WeightsFile, config: OpenClipConfig): ClipModel {
  const { towers, resnet } = towersOf(config);
  const wanted = wantedShapes(towers, resnet);
  const sources = parametersOf(weights, openClipShapes(config), plainOpenClipName);
  const parameters = translate(wanted, sources);
  let vision: VisionTower;
  if (resnet) {
    for (const [name, tensor] of foldBatchNorms(resnet, sources)) parameters.set(name, tensor);
    const features = (pixels_BHWC: tf.Tensor) => resnetFeatures(parameters, resnet, pixels_BHWC);
    vision = { side: resnet.imageSize, features };
  } else {
    vision = vitTower(towers, parameters);
  }
  return { dim: config.embed_dim, vision, text: textTower(towers, parameters), parameters };
}

/** The Transformers' config in Hugging Face's terms, and the ResNet's where that takes the place of one of them. */
function towersOf(config: OpenClipConfig): { towers: ClipConfig; resnet?: ResnetConfig } {
  const { vision_cfg: vision, text_cfg: text, embed_dim: projection } = config;
  const hidden_act = config.quick_gelu ? 'quick_gelu' : 'gelu';
  const text_config = {
    vocab_size: text.vocab_size,
    hidden_size: text.width,
    intermediate_size: Math.trunc(text.width * text.mlp_ratio),
    num_hidden_layers: text.layers,
    num_attention_heads: text.heads,
    max_position_embeddings: text.context_length,
    // OpenCLIP's argmax takes the highest id, as transformers does for this value.
    eos_token_id: LEGACY_END,
    hidden_act,
  };
  const { layers, width, head_width: headWidth, image_size: imageSize } = vision;
  if (typeof layers !== 'number') {
    const heads = (32 * width) / headWidth;
    return {
      towers: clipConfig.parse({ projection_dim: projection, text_config }),
      resnet: { layers, width, heads, imageSize, projection },
    };
  }
  const vision_config = {
    hidden_size: width,
    intermediate_size: Math.trunc(width * vision.mlp_ratio),
    num_hidden_layers: layers,
    num_attention_heads: width / headWidth,
    image_size: imageSize,
    patch_size: vision.patch_size,
    hidden_act,
  };
  return { towers: clipConfig.parse({ projection_dim: projection, text_config, vision_config }) };
}

/** Every tensor that a file of such a model must hold, in OpenAI's names. */
export function openClipShapes(config: OpenClipConfig): ParameterShapes {
  const { towers, resnet } = towersOf(config);
  const sources = [...wantedShapes(towers, resnet)].map(([parameter, shape]): [string, readonly number[]] => {
    const source = openClipSource(parameter);
    return [source.name, sourceShape(source, shape)];
  });
  return new Map([...sources, ...(resnet ? resnetShapes(resnet) : [])]);
}

/** The parameters of the Transformers that there are. */
function wantedShapes(towers: ClipConfig, resnet: ResnetConfig | undefined): ParameterShapes {
  return new Map([...textShapes(towers), ...(resnet ? [] : visionShapes(towers))]);
}

/** Parameters in Hugging Face's names and layouts; takes over or disposes the sources that they come from. */
function translate(wanted: ParameterShapes, sources: Map<string, tf.Tensor>): Map<string, tf.Tensor> {
  const parameters = new Map<string, tf.Tensor>();
  for (const [parameter, shape] of wanted) {
    const { name, third, isTransposed } = openClipSource(parameter);
    const source = sources.get(name)!;
    if (third === undefined && !isTransposed) {
      parameters.set(parameter, source);
      continue;
    }
    const begin = [third! * shape[0]!, ...shape.slice(1).map(() => 0)];
    parameters.set(parameter, isTransposed ? tf.transpose(source) : tf.slice(source, begin, [...shape]));
    if (third === 2 || isTransposed) source.dispose();
  }
  return parameters;
}
