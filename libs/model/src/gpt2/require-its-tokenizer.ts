import { UserError } from '@captrain/runtime';
import type { Tokenizer } from '../text/tokenizer.js';
import type { Gpt2Config } from './gpt2-config.js';

/** Throws a UserError where a tokenizer ends texts with a token that the language model does not have. */
export function requireItsTokenizer(
  languageModel: string,
  { vocab_size: vocabulary }: Pick<Gpt2Config, 'vocab_size'>,
  { endOfTextId }: Pick<Tokenizer, 'endOfTextId'>,
): void {
  if (endOfTextId < vocabulary) return;
  throw new UserError(
    `the tokenizer in ${languageModel} ends texts with token ${endOfTextId}, ` +
      `and the model knows ${vocabulary}; put the two that belong together into the folder.`,
  );
}
