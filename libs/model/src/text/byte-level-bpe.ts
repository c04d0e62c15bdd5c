import type { TokenizerJson } from './as-in-rust.js';

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };

/** Words of CLIP's text: its special tokens, English contractions, letters, single digits, other signs. */
const clipWords =
  "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/** Whether the tokens are of CLIP's kind, where the last of a word ends in `</w>`, and not of GPT-2's. */
export function isClipVocabulary(vocabulary: Record<string, number>): boolean {
  return Object.keys(vocabulary).some((token) => token.endsWith('</w>'));
}

/**
 * The tokenizer.json that Python's CLIPTokenizer or GPT2Tokenizer builds of vocab.json and merges.txt.
 * `addPrefixSpace` writes a space before a text, as some of GPT-2's kind want it.
 */
export function byteLevelBpe(
  vocabulary: Record<string, number>,
  mergesText: string,
  { addPrefixSpace = false } = {},
): TokenizerJson {
  const merges = mergesText
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && !line.startsWith('#version'));
  const isClip = isClipVocabulary(vocabulary);
  const model = {
    type: 'BPE',
    dropout: null,
    unk_token: isClip ? '<|endoftext|>' : null,
    continuing_subword_prefix: '',
    end_of_word_suffix: isClip ? '</w>' : '',
    fuse_unk: false,
    vocab: vocabulary,
    merges,
  };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    ...(isClip
      ? clipStages
      : { normalizer: null, pre_tokenizer: { ...byteLevel, add_prefix_space: addPrefixSpace } }),
    post_processor: null,
    decoder: byteLevel,
    model,
  };
}

const clipStages = {
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'NFC' },
      { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
      { type: 'Lowercase' },
    ],
  },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: clipWords }, behavior: 'Removed', invert: true },
      byteLevel,
    ],
  },
};
