import { UserError } from '@captrain/runtime';
import { type OpenClipConfig, parseOpenClipConfig } from './open-clip-config.js';

type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/**
 * The config of OpenAI's own weights, which come without one: sizes follow from the tensors' shapes, heads are 64 wide,
 * and the activation is quick_gelu. Other weights are a UserError. Source: `build_model` of OpenAI's CLIP.
 */
export function inferOpenClipConfig(tensors: Shapes, place: string): OpenClipConfig {
  const shapeOf = (name: string, rank: number) => {
    const shape = tensors.get(name)?.shape;
    if (shape?.length === rank) return shape as readonly [number, ...number[]];
    throw new UserError(
      `${place} holds no CLIP in OpenAI's names: ${name} is ${shape ? `of shape [${shape.join(', ')}]` : 'missing'}; ` +
        `name a file of OpenAI's weights, or a folder with its config (config.json or open_clip_config.json).`,
    );
  };
  const layersOf = (prefix: string) => {
    const found = [...tensors.keys()].filter((name) => name.startsWith(prefix));
    return new Set(found.map((name) => name.slice(prefix.length).split('.')[0])).size;
  };
  const embedding = shapeOf('text_projection', 2);
  const [vocabulary, width] = shapeOf('token_embedding.weight', 2);
  const places = (name: string) => Math.round(Math.sqrt(shapeOf(name, 2)[0] - 1));
  const vision = () => {
    if (!tensors.has('visual.proj'))
      return {
        layers: [1, 2, 3, 4].map((stage) => layersOf(`visual.layer${stage}.`)),
        width: shapeOf('visual.layer1.0.conv1.weight', 4)[0],
        image_size: 32 * places('visual.attnpool.positional_embedding'),
        patch_size: null,
      };
    const [wide, , patch] = shapeOf('visual.conv1.weight', 4);
    return {
      layers: layersOf('visual.transformer.resblocks.'),
      width: wide,
      image_size: patch! * places('visual.positional_embedding'),
      patch_size: patch,
    };
  };
  const config = {
    embed_dim: embedding[1],
    quick_gelu: true,
    vision_cfg: vision(),
    text_cfg: {
      context_length: shapeOf('positional_embedding', 2)[0],
      vocab_size: vocabulary,
      width,
      heads: Math.max(1, Math.floor(width! / 64)),
      layers: layersOf('transformer.resblocks.'),
    },
  };
  return parseOpenClipConfig(config, place);
}
