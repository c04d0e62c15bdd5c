import type { ClipDescription } from '@captrain/model';
import { formatCount } from '@captrain/runtime';
import type { Row } from './row.js';

type Config = ClipDescription['config'];
type Preprocessor = ClipDescription['preprocessor'];

/** Letters of the published sizes, by the width of the picture tower. */
const letters: Readonly<Record<number, string>> = { 768: 'B', 1024: 'L', 1280: 'H', 1408: 'g', 1664: 'bigG' };

/** Names of OpenAI's ResNets, by the blocks of their stages. */
const resnets: Readonly<Record<string, string>> = {
  '3,4,6,3': 'RN50',
  '3,4,23,3': 'RN101',
  '4,6,10,6': 'RN50x4',
  '6,8,18,8': 'RN50x16',
  '3,15,36,10': 'RN50x64',
};

/** `ViT-B/32`, `ViT-L/14@336`, `RN50x4`; an unknown ResNet by the blocks of its stages. */
export function clipName(config: Config): string {
  if ('vision_config' in config) {
    const { hidden_size, patch_size, image_size } = config.vision_config;
    return vitName(hidden_size, patch_size, image_size);
  }
  const { layers, width, patch_size, image_size } = config.vision_cfg;
  if (typeof layers !== 'number') return resnets[layers.join()] ?? `ResNet of ${layers.join(' + ')} blocks`;
  return vitName(width, patch_size!, image_size);
}

function vitName(width: number, patch: number, side: number): string {
  const letter = letters[width];
  return `ViT${letter === undefined ? '' : `-${letter}`}/${patch}${side === 224 ? '' : `@${side}`}`;
}

export function clipRows({ config, preprocessor }: ClipDescription): Row[] {
  const towers = 'vision_config' in config ? huggingFaceTowers(config) : openClipTowers(config);
  return [...towers, ['preprocessing', preparation(preprocessor)]];
}

function huggingFaceTowers(config: Extract<Config, { vision_config: unknown }>): Row[] {
  const { vision_config: vision, text_config: text, projection_dim } = config;
  const tower = (sizes: typeof vision | typeof text) =>
    `${sizes.num_hidden_layers} layers, width ${sizes.hidden_size}, ${sizes.num_attention_heads} heads, ${sizes.hidden_act}`;
  return [
    ['embedding', `${projection_dim} values`],
    ['picture tower', `${tower(vision)}, patches of ${vision.patch_size}, ${vision.image_size} px`],
    ['text tower', `${tower(text)}, ${formatCount(text.vocab_size)} tokens`],
  ];
}

function openClipTowers(config: Extract<Config, { vision_cfg: unknown }>): Row[] {
  const { vision_cfg: vision, text_cfg: text, embed_dim } = config;
  const activation = config.quick_gelu ? 'quick_gelu' : 'gelu';
  const { layers, width, head_width, image_size } = vision;
  const picture =
    typeof layers === 'number'
      ? `${layers} layers, width ${width}, ${width / head_width} heads, ${activation}, patches of ${vision.patch_size}`
      : `ResNet of ${layers.join(' + ')} blocks, width ${width}, ${(32 * width) / head_width} heads`;
  return [
    ['embedding', `${embed_dim} values`],
    ['picture tower', `${picture}, ${image_size} px`],
    [
      'text tower',
      `${text.layers} layers, width ${text.width}, ${text.heads} heads, ${activation}, ${formatCount(text.vocab_size)} tokens`,
    ],
  ];
}

function preparation({ resize, crop, filter }: Preprocessor): string {
  const steps: string[] = [];
  if (resize !== null) {
    const target =
      'shortestEdge' in resize ? { width: resize.shortestEdge } : 'within' in resize ? resize.within : resize;
    const edge = 'shortestEdge' in resize ? 'shorter side' : 'within' in resize ? 'within' : 'to';
    steps.push(`resize ${edge} ${Object.values(target).join('×')} px, ${filter}`);
  }
  if (crop !== null) steps.push(`crop ${crop.width}×${crop.height} px`);
  return steps.length > 0 ? steps.join('; ') : 'none';
}
