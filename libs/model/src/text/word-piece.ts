import type { TokenizerJson } from './as-in-rust.js';

/**
 * The tokenizer.json that Python's BertTokenizer builds of vocab.txt, one token a line: what GPT-2s of Chinese use.
 * Options are those of tokenizer_config.json.
 */
export function wordPiece(vocabularyText: string, options: Record<string, unknown>): TokenizerJson {
  const lines = vocabularyText.split('\n').map((line) => line.replace(/\r$/, ''));
  if (lines.at(-1) === '') lines.pop();
  const lowercase = options.do_lower_case ?? true;
  return {
    version: '1.0',
    added_tokens: [],
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: options.tokenize_chinese_chars ?? true,
      strip_accents: options.strip_accents ?? null,
      lowercase,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: null,
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(lines.map((token, id) => [token, id])),
    },
  };
}
