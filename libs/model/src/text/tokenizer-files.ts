import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { readJsonObject, readOptionalJsonObject, requireFolder } from '../read-json.js';
import type { TokenizerJson } from './as-in-rust.js';
import { byteLevelBpe, isClipVocabulary } from './byte-level-bpe.js';
import { withAddedTokens } from './special-tokens.js';
import { wordPiece } from './word-piece.js';

/** A folder's tokenizer. */
export interface TokenizerFiles {
  json: TokenizerJson;
  /** What tokenizer_config.json, special_tokens_map.json and the kind of tokenizer say: special tokens by name. */
  config: Record<string, unknown>;
  /** `eos_token_id` of the model's config.json, where it has one. */
  modelEndId: number | undefined;
}

/**
 * Reads `tokenizer.json`; or `vocab.json` and `merges.txt` as Python's GPT2Tokenizer or CLIPTokenizer; or `vocab.txt`
 * as its BertTokenizer. What is missing, damaged or of another kind is a UserError.
 */
export function readTokenizerFiles(folder: string): TokenizerFiles {
  requireFolder(folder);
  const named = {
    ...readOptionalJsonObject(folder, 'special_tokens_map.json'),
    ...readOptionalJsonObject(folder, 'tokenizer_config.json'),
  };
  const model = readOptionalJsonObject(folder, 'config.json');
  const { json, defaults } = readKind(folder, { tokenizer_class: model.tokenizer_class, ...named });
  const config = { ...defaults, ...named };
  return {
    json: withAddedTokens(json, config, readOptionalJsonObject(folder, 'added_tokens.json')),
    config,
    modelEndId: typeof model.eos_token_id === 'number' ? model.eos_token_id : undefined,
  };
}

function readKind(folder: string, named: Record<string, unknown>) {
  const has = (name: string) => existsSync(path.join(folder, name));
  const text = (name: string) => readFileSync(path.join(folder, name), 'utf8');
  if (has('tokenizer.json')) return { json: readJsonObject(folder, 'tokenizer.json'), defaults: {} };
  if (has('vocab.json') && has('merges.txt')) {
    const vocabulary = readJsonObject(folder, 'vocab.json') as Record<string, number>;
    const options = { addPrefixSpace: named.add_prefix_space === true };
    return {
      json: byteLevelBpe(vocabulary, text('merges.txt'), options),
      defaults: byteLevelDefaults(vocabulary),
    };
  }
  if (has('vocab.txt')) {
    const kind = String(named.tokenizer_class ?? 'BertTokenizer');
    if (!/^BertTokenizer(Fast)?$/.test(kind))
      throw new UserError(`${folder} has a vocab.txt for a ${kind}, ${needsTokenizerJson(folder)}`);
    return { json: wordPiece(text('vocab.txt'), named), defaults: bertDefaults };
  }
  const pieces = readdirSync(folder).find((name) =>
    /^(spiece|sentencepiece\S*|tokenizer|sp)\.model$/.test(name),
  );
  if (pieces !== undefined)
    throw new UserError(`${folder} has its tokenizer in ${pieces} alone, ${needsTokenizerJson(folder)}`);
  throw new UserError(
    `${folder} has no tokenizer: neither tokenizer.json, nor vocab.json with merges.txt, nor vocab.txt.`,
  );
}

function needsTokenizerJson(folder: string): string {
  const load = `AutoTokenizer.from_pretrained(${JSON.stringify(folder)})`;
  return `which captrain does not read; write a tokenizer.json beside it with Python's transformers: ${load}.save_pretrained(${JSON.stringify(folder)}).`;
}

/** Special tokens of Python's classes where the configs name none. */
function byteLevelDefaults(vocabulary: Record<string, number>): Record<string, string> {
  const end = '<|endoftext|>';
  if (!Object.hasOwn(vocabulary, end)) return {};
  const start = isClipVocabulary(vocabulary) ? '<|startoftext|>' : end;
  return { unk_token: end, bos_token: start, eos_token: end };
}

const bertDefaults = {
  unk_token: '[UNK]',
  sep_token: '[SEP]',
  pad_token: '[PAD]',
  cls_token: '[CLS]',
  mask_token: '[MASK]',
};
