/** `tokenizer.json` structures for the two vocabularies that are also published as vocab.json and merges.txt. */

/** What tokenizer.json holds, as far as this library writes it. */
export type TokenizerJson = Record<string, unknown>;

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };

/** Words of CLIP's text: its special tokens, English contractions, letters, single digits, other signs. */
const clipWords =
  "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/**
 * The structure that the `tokenizers` library would have saved for a vocabulary and its merges: CLIP's where tokens
 * end in `</w>`, GPT-2's otherwise.
 */
export function byteLevelBpe(vocabulary: Record<string, number>, mergesText: string): TokenizerJson {
  const merges = mergesText.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#version'));
  const isClip = Object.keys(vocabulary).some((token) => token.endsWith('</w>'));
  const special = ['<|startoftext|>', '<|endoftext|>'].filter((token) => Object.hasOwn(vocabulary, token));
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
    added_tokens: special.map((content) => ({
      id: vocabulary[content],
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    ...(isClip ? clipStages(vocabulary) : gpt2Stages),
    decoder: byteLevel,
    model,
  };
}

const gpt2Stages = { normalizer: null, pre_tokenizer: byteLevel, post_processor: byteLevel };

function clipStages(vocabulary: Record<string, number>) {
  return {
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
        { ...byteLevel, use_regex: false },
      ],
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: ['<|endoftext|>', vocabulary['<|endoftext|>']],
      cls: ['<|startoftext|>', vocabulary['<|startoftext|>']],
      trim_offsets: false,
      add_prefix_space: false,
    },
  };
}
