import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { UserError, messageOf } from '@captrain/runtime';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { readJsonObject, readOptionalJsonObject, requireFolder } from '../read-json.js';
import { byteLevelBpe, type TokenizerJson } from './byte-level-bpe.js';

/** Text to token ids and back, as the `tokenizers` library does it for the same model folder. */
export class Tokenizer {
  /** Tokens of the vocabulary, added ones included. */
  readonly vocabularySize: number;
  /** The token that ends a text. */
  readonly endOfTextId: number;
  /** The token that starts a text; the same as `endOfTextId` for GPT-2. */
  readonly startOfTextId: number;
  readonly #tokenizer: HuggingFaceTokenizer;

  private constructor(tokenizer: HuggingFaceTokenizer, folder: string, config: Record<string, unknown>) {
    this.#tokenizer = tokenizer;
    this.vocabularySize = tokenizer.get_vocab(true).size;
    const endOfText = specialToken(config.eos_token) ?? '<|endoftext|>';
    const endOfTextId = tokenizer.token_to_id(endOfText);
    if (endOfTextId === undefined)
      throw new UserError(
        `the tokenizer in ${folder} has no token ${endOfText} to end a caption with; ` +
          `name its end token as eos_token in tokenizer_config.json.`,
      );
    this.endOfTextId = endOfTextId;
    const startOfText = specialToken(config.bos_token) ?? '<|startoftext|>';
    this.startOfTextId = tokenizer.token_to_id(startOfText) ?? endOfTextId;
  }

  /**
   * Reads `tokenizer.json`, or `vocab.json` and `merges.txt`, from a folder in Hugging Face layout, and
   * `tokenizer_config.json` where there is one. What is missing or damaged is a UserError.
   */
  static async load(folder: string): Promise<Tokenizer> {
    requireFolder(folder);
    const json = existsSync(path.join(folder, 'tokenizer.json'))
      ? readJsonObject(folder, 'tokenizer.json')
      : readVocabularyAndMerges(folder);
    const config = { ...readOptionalJsonObject(folder, 'special_tokens_map.json') };
    Object.assign(config, readOptionalJsonObject(folder, 'tokenizer_config.json'));
    let tokenizer: HuggingFaceTokenizer;
    try {
      tokenizer = new HuggingFaceTokenizer(json, config);
    } catch (cause) {
      throw new UserError(`cannot use the tokenizer in ${folder}: ${messageOf(cause)}.`, { cause });
    }
    return new Tokenizer(tokenizer, folder, config);
  }

  /** Token ids of a text, without start and end tokens. */
  encode(text: string): number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
  }

  /** The text of token ids; special tokens are left out, and nothing is tidied up. */
  decode(ids: readonly number[]): string {
    return this.#tokenizer.decode([...ids], {
      skip_special_tokens: true,
      clean_up_tokenization_spaces: false,
    });
  }
}

function readVocabularyAndMerges(folder: string): TokenizerJson {
  const merges = path.join(folder, 'merges.txt');
  if (!existsSync(path.join(folder, 'vocab.json')) || !existsSync(merges))
    throw new UserError(`${folder} has no tokenizer: neither tokenizer.json nor vocab.json with merges.txt.`);
  const vocabulary = readJsonObject(folder, 'vocab.json') as Record<string, number>;
  return byteLevelBpe(vocabulary, readFileSync(merges, 'utf8'));
}

/** Special tokens stand in configs as text, or as an object with its `content`. */
function specialToken(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null && 'content' in value) return String(value.content);
  return undefined;
}
