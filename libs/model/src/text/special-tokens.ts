import type { TokenizerJson } from './as-in-rust.js';

/** Names of special tokens in tokenizer_config.json and special_tokens_map.json, in the order in which ids are given. */
const NAMES = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];
const LISTS = ['additional_special_tokens', 'extra_special_tokens'];

interface AddedToken {
  id?: number;
  content: string;
  special: boolean;
  normalized: boolean;
}

/** Special tokens stand in configs as text, or as an object with its `content`. */
export function specialToken(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null && 'content' in value) return String(value.content);
  return undefined;
}

/**
 * The tokenizer.json with the tokens that its folder's other files add: `config` is what tokenizer_config.json and
 * special_tokens_map.json say, `added` is added_tokens.json. They are found in a text as they stand, before anything
 * else is done to it, and the special ones are left out when ids are decoded. One that the vocabulary lacks gets the
 * next free id. As Python's transformers does it when it loads a tokenizer.
 */
export function withAddedTokens(
  json: TokenizerJson,
  config: Record<string, unknown>,
  added: Record<string, unknown>,
): TokenizerJson {
  const special = namedTokens(config);
  const wanted: AddedToken[] = [
    ...tokensOfDecoder(config.added_tokens_decoder),
    ...Object.entries(added).map(([content, id]) => ({
      id: Number(id),
      content,
      special: special.includes(content),
      normalized: !special.includes(content),
    })),
    ...special.map((content) => ({ content, special: true, normalized: false })),
  ];
  const tokens = [...((json.added_tokens ?? []) as AddedToken[])];
  const known = new Set(tokens.map(({ content }) => content));
  const ids = idsOfVocabulary(json.model);
  let next = Math.max(-1, ...ids.values(), ...tokens.map(({ id }) => id ?? -1)) + 1;
  for (const token of wanted) {
    if (known.has(token.content)) continue;
    known.add(token.content);
    const id = ids.get(token.content) ?? token.id ?? next;
    next = Math.max(next, id + 1);
    tokens.push({ ...token, id });
  }
  return { ...json, added_tokens: tokens };
}

/** Ids of a tokenizer.json's special tokens. */
export function specialIds(json: TokenizerJson): Set<number> {
  const tokens = (json.added_tokens ?? []) as AddedToken[];
  return new Set(tokens.flatMap(({ id, special }) => (special && id !== undefined ? [id] : [])));
}

function namedTokens(config: Record<string, unknown>): string[] {
  const lists = LISTS.flatMap((name) => (Array.isArray(config[name]) ? config[name] : []) as unknown[]);
  return [...NAMES.map((name) => config[name]), ...lists]
    .map(specialToken)
    .filter((token) => token !== undefined);
}

/** `added_tokens_decoder` of tokenizer_config.json: ids to tokens. */
function tokensOfDecoder(decoder: unknown): AddedToken[] {
  if (typeof decoder !== 'object' || decoder === null) return [];
  return Object.entries(decoder).map(([id, token]: [string, Partial<AddedToken>]) => ({
    special: false,
    normalized: true,
    ...token,
    id: Number(id),
    content: String(token.content),
  }));
}

function idsOfVocabulary(model: unknown): Map<string, number> {
  const vocabulary = (model as { vocab?: unknown } | undefined)?.vocab;
  // Unigram's: a list of tokens with their scores.
  if (Array.isArray(vocabulary))
    return new Map(vocabulary.map(([token]: [string], id: number) => [token, id]));
  return new Map(Object.entries((vocabulary ?? {}) as Record<string, number>));
}
