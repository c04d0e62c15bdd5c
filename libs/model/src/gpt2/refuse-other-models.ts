import { UserError } from '@captrain/runtime';

/** Classes of transformers that compute what captrain's GPT-2 computes, in each of its frameworks. */
const CLASSES = ['GPT2LMHeadModel', 'GPT2Model'].flatMap((name) => [name, `TF${name}`, `Flax${name}`]);

/**
 * Refuses a config.json that describes another computation than GPT-2's, by a UserError that names it: another
 * architecture; a class of its own under the name of gpt2, with other weights (GPT2LMHeadCustomModel has one key for all
 * heads) or another head than the language model's; settings that change layers or weights. What it lets pass, the
 * schema honours, or it changes nothing: `reorder_and_upcast_attn`, as attention is float32 in any case, `n_ctx`, which
 * transformers ignores beside `n_positions`, and all that concerns training, generation and other heads.
 */
export function refuseOtherModels(json: Record<string, unknown>, folder: string): void {
  const type = json.model_type ?? 'model without model_type';
  if (type !== 'gpt2')
    throw new UserError(
      `${folder} holds a ${String(type)}, and captrain's language models are of the gpt2 architecture; name one of those.`,
    );
  const classes = [json.architectures ?? []].flat().map(String);
  if (classes.length > 0 && !classes.some((name) => CLASSES.includes(name)))
    throw new UserError(
      `${folder} holds a ${classes.join(', ')}, and captrain's language models are of the class GPT2LMHeadModel; name one of those.`,
    );
  for (const [key, what] of Object.entries(REFUSED))
    if (isSet(json[key]))
      throw new UserError(`${folder}/config.json sets ${key}: ${what}; name a model without it.`);
}

const REFUSED = {
  add_cross_attention: 'layers that attend to another model are not supported',
  is_encoder_decoder: 'an encoder beside the language model is not supported',
  quantization_config: 'quantised weights are not supported',
  pruned_heads: 'layers with fewer heads than others are not supported',
  per_layer_config: 'layers that differ from each other are not supported',
};

/** Whether a setting asks for something: not absent, false, null or empty. */
function isSet(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== false;
}
