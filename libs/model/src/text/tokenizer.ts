import { UserError, messageOf } from '@captrain/runtime';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { asInRust, repair } from './as-in-rust.js';
import { specialIds, specialToken } from './special-tokens.js';
import { type TokenizerFiles, readTokenizerFiles } from './tokenizer-files.js';

/**
 * Text to token ids and back, as Python's `tokenizers` library does it for the same model folder. A special token that
 * stands in a text becomes its id, as it does there.
 */
export class Tokenizer {
  /** Tokens of the vocabulary, added ones included. */
  readonly vocabularySize: number;
  /** The token that ends a text. */
  readonly endOfTextId: number;
  /** The token that starts a text; the same as `endOfTextId` for GPT-2. */
  readonly startOfTextId: number;
  readonly #tokenizer: HuggingFaceTokenizer;
  readonly #specialIds: ReadonlySet<number>;
  /** CLIP's tokenizer: the end of a word becomes a space, and the text's own ends are trimmed. */
  readonly #trims: boolean;

  private constructor(tokenizer: HuggingFaceTokenizer, folder: string, files: TokenizerFiles) {
    this.#tokenizer = tokenizer;
    this.#specialIds = specialIds(files.json);
    this.#trims = Boolean((files.json.model as { end_of_word_suffix?: unknown }).end_of_word_suffix);
    this.vocabularySize = tokenizer.get_vocab(true).size;
    this.endOfTextId = endOfText(tokenizer, folder, files);
    const startOfText = specialToken(files.config.bos_token) ?? '<|startoftext|>';
    this.startOfTextId = tokenizer.token_to_id(startOfText) ?? this.endOfTextId;
  }

  /**
   * Reads a folder in Hugging Face layout: `tokenizer.json`, or `vocab.json` and `merges.txt`, or `vocab.txt`; and
   * the configs that stand beside them. What is missing, damaged or of another kind is a UserError.
   */
  static async load(folder: string): Promise<Tokenizer> {
    const files = readTokenizerFiles(folder);
    let tokenizer: HuggingFaceTokenizer;
    try {
      tokenizer = new HuggingFaceTokenizer(asInRust(files.json), {});
    } catch (cause) {
      throw new UserError(`cannot use the tokenizer in ${folder}: ${messageOf(cause)}.`, { cause });
    }
    repair(tokenizer);
    return new Tokenizer(tokenizer, folder, files);
  }

  /** Token ids of a text, without start and end tokens. */
  encode(text: string): number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
  }

  /** The text of token ids; special tokens, and ids that no token has, are left out, and nothing is tidied up. */
  decode(ids: readonly number[]): string {
    const shown = ids.filter(
      (id) => !this.#specialIds.has(id) && this.#tokenizer.id_to_token(id) !== undefined,
    );
    if (shown.length === 0) return '';
    const text = this.#tokenizer.decode(shown, { clean_up_tokenization_spaces: false });
    return this.#trims ? text.replace(outerWhiteSpace, '') : text;
  }
}

/** White space at the ends of a text, as Python's `strip` sees it: the four separators of ASCII are of it. */
const whiteSpace = `[\\p{White_Space}${String.fromCharCode(0x1c)}-${String.fromCharCode(0x1f)}]`;
const outerWhiteSpace = new RegExp(`^${whiteSpace}+|${whiteSpace}+$`, 'gu');

/**
 * The end token: the one that the tokenizer's configs name; else the model's; else GPT-2's, where the vocabulary has
 * it; else the separator, as in GPT-2s with BERT's vocabulary.
 */
function endOfText(
  tokenizer: HuggingFaceTokenizer,
  folder: string,
  { config, modelEndId }: TokenizerFiles,
): number {
  const named = specialToken(config.eos_token);
  const candidates = [
    named === undefined ? undefined : tokenizer.token_to_id(named),
    ...(named === undefined
      ? [
          modelEndId !== undefined && tokenizer.id_to_token(modelEndId) !== undefined
            ? modelEndId
            : undefined,
          tokenizer.token_to_id('<|endoftext|>'),
          tokenizer.token_to_id(specialToken(config.sep_token) ?? '[SEP]'),
        ]
      : []),
  ];
  const found = candidates.find((id) => id !== undefined);
  if (found !== undefined) return found;
  throw new UserError(
    `the tokenizer in ${folder} has no token ${named ?? '<|endoftext|>'} to end a caption with; ` +
      `name its end token as eos_token in tokenizer_config.json.`,
  );
}
