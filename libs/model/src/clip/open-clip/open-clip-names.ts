/** Where a parameter's values lie in weights with OpenAI's names, which OpenCLIP keeps. */
export interface TensorSource {
  name: string;
  /** Rows of q, k and v lie above one another: 0, 1 or 2 says which third is meant. */
  third?: 0 | 1 | 2;
  /** Projections are [in, out] there, and [out, in] in Hugging Face's layout. */
  isTransposed?: boolean;
}

const WHOLE: Readonly<Record<string, TensorSource>> = {
  'visual_projection.weight': { name: 'visual.proj', isTransposed: true },
  'text_projection.weight': { name: 'text_projection', isTransposed: true },
  'vision_model.embeddings.class_embedding': { name: 'visual.class_embedding' },
  'vision_model.embeddings.patch_embedding.weight': { name: 'visual.conv1.weight' },
  'vision_model.embeddings.position_embedding.weight': { name: 'visual.positional_embedding' },
  'text_model.embeddings.token_embedding.weight': { name: 'token_embedding.weight' },
  'text_model.embeddings.position_embedding.weight': { name: 'positional_embedding' },
};

/** Layers by their names at Hugging Face. */
const PARTS: Readonly<Record<string, string>> = {
  'vision_model.pre_layrnorm': 'visual.ln_pre',
  'vision_model.post_layernorm': 'visual.ln_post',
  'text_model.final_layer_norm': 'ln_final',
  layer_norm1: 'ln_1',
  layer_norm2: 'ln_2',
  'self_attn.out_proj': 'attn.out_proj',
  'mlp.fc1': 'mlp.c_fc',
  'mlp.fc2': 'mlp.c_proj',
};

/** The source of a parameter of the Transformer towers by its name at Hugging Face. Throws for any other name. */
export function openClipSource(parameter: string): TensorSource {
  const whole = WHOLE[parameter];
  if (whole !== undefined) return whole;
  const [, tower, layer, part, kind] =
    /^(?:(vision|text)_model\.encoder\.layers\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(parameter) ?? [];
  const block = tower && `${tower === 'vision' ? 'visual.' : ''}transformer.resblocks.${layer}.`;
  const third = ['q', 'k', 'v'].findIndex((letter) => part === `self_attn.${letter}_proj`);
  if (third >= 0) return { name: `${block}attn.in_proj_${kind}`, third: third as 0 | 1 | 2 };
  const renamed = part === undefined ? undefined : PARTS[part];
  if (renamed === undefined) throw new Error(`${parameter} is no parameter of CLIP's Transformers`);
  return { name: `${block ?? ''}${renamed}.${kind}` };
}

/**
 * The shape of a source by that of its parameter.
 */
export function sourceShape({ third, isTransposed }: TensorSource, shape: readonly number[]): number[] {
  if (third !== undefined) return [3 * shape[0]!, ...shape.slice(1)];
  return isTransposed ? shape.toReversed() : [...shape];
}

/**
 * A tensor's name as this page has it, or undefined for what no embedding needs: the temperature of the training,
 * counters, masks, and the sizes that OpenAI's files carry. Text towers that OpenCLIP calls custom have a prefix.
 */
export function plainOpenClipName(name: string): string | undefined {
  if (/(^logit_(scale|bias)$|\.num_batches_tracked$|(^|\.)attn_mask$)/.test(name)) return undefined;
  if (['input_resolution', 'context_length', 'vocab_size'].includes(name)) return undefined;
  return name.replace(/^text\./, '');
}
