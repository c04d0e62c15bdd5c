import type { Gpt2Config } from './gpt2-config.js';

/**
 * A parameter's name in our layout for its name in a file: `transformer.` may be missing there, as in the published
 * GPT-2. Undefined for what is passed over: attention masks that old checkpoints carry, and the head where it is tied.
 */
export function gpt2ParameterName(
  found: string,
  config: Pick<Gpt2Config, 'tie_word_embeddings'>,
): string | undefined {
  if (/\.attn\.(bias|masked_bias)$/.test(found)) return undefined;
  if (found === 'lm_head.weight') return config.tie_word_embeddings ? undefined : found;
  return found.startsWith('transformer.') ? found : `transformer.${found}`;
}
