/**
 * What makes @huggingface/tokenizers (0.2.0) give the ids that Python's `tokenizers` (0.23, Rust) gives: stages of a
 * tokenizer.json, written in the way that JavaScript's library takes as Rust's takes the original. Every rule here
 * stands for a difference that a comparison of both showed.
 */
import {
  ACCENTS_SINCE_8,
  FORMATS_SINCE_8,
  LETTERS_SINCE_16,
  MARKS_SINCE_9,
  NUMBERS_SINCE_16,
  PUNCTUATION_SINCE_8,
} from './unicode-since.js';

/** What tokenizer.json holds, as far as it is looked at here. */
export type TokenizerJson = Record<string, unknown>;
type Stage = Record<string, unknown> & { type?: unknown };

/** The tokenizer.json with its normalizer and pre-tokenizer rewritten. Throws where a stage cannot be had. */
export function asInRust(json: TokenizerJson): TokenizerJson {
  return {
    ...json,
    added_tokens: json.added_tokens ?? [],
    normalizer: normalizer(json.normalizer),
    pre_tokenizer: preTokenizer(json.pre_tokenizer),
    post_processor: json.post_processor ?? null,
    decoder: json.decoder ?? null,
  };
}

/** A normalizer of the library: one that has a form of Unicode's, a sequence, or another. */
export interface LibraryNormalizer {
  form?: string;
  normalizers?: (LibraryNormalizer | null)[];
  normalize(text: string): string;
}

/** Lets a tokenizer's Unicode normalizers pass over the marks that Rust's do not know. */
export function normalizeAsInRust(normalizer: LibraryNormalizer | null): void {
  normalizer?.normalizers?.forEach(normalizeAsInRust);
  const form = normalizer?.form;
  if (normalizer === null || form === undefined) return;
  normalizer.normalize = (text) => text.replace(knownToRust, (part) => part.normalize(form));
}

const knownToRust = new RegExp(`[^${MARKS_SINCE_9.javascript}]+`, 'gu');

function isStage(value: unknown): value is Stage {
  return typeof value === 'object' && value !== null;
}

function stages(list: unknown, rewrite: (stage: unknown) => Stage | null): Stage[] {
  return (Array.isArray(list) ? list : []).map(rewrite).filter((stage) => stage !== null);
}

/**
 * Rust lowers a letter at a time: a sigma at the end of a word becomes no final sigma. A whole text that lowering makes
 * look like a special token is none: the space behind it hides it from JavaScript's library.
 */
const lowercase = sequence([
  replace('Σ', 'σ'),
  { type: 'Lowercase' },
  replace('\\A<\\|[a-z]+\\|>\\z', '$& '),
]);

function normalizer(stage: unknown): Stage | null {
  if (!isStage(stage)) return null;
  switch (stage.type) {
    case 'Sequence':
      return sequence(stages(stage.normalizers, normalizer));
    case 'Lowercase':
      return lowercase;
    case 'Replace':
      // In JavaScript a dollar sign in the content has a meaning.
      return {
        ...stage,
        pattern: pattern(stage.pattern),
        content: String(stage.content ?? '').replaceAll('$', '$$$$'),
      };
    case 'Strip':
      return sequence([
        ...(stage.strip_left === false ? [] : [replace('\\A\\s+', '')]),
        ...(stage.strip_right === false ? [] : [replace('\\s+\\z', '')]),
      ]);
    case 'BertNormalizer':
      return sequence(bertStages(stage));
    default:
      return stage;
  }
}

/** Rust's, one after the other; JavaScript's do not see characters beyond 16 bits as Chinese. */
function bertStages(stage: Stage): Stage[] {
  const stripsAccents = stage.strip_accents ?? stage.lowercase;
  return [
    ...(stage.clean_text === true
      ? [
          replace(`(?![\\t\\n\\r${FORMATS_SINCE_8.oniguruma}])[\\p{Cc}\\p{Cf}\\p{Co}\\x{fffd}]`, ''),
          replace('\\s', ' '),
        ]
      : []),
    ...(stage.handle_chinese_chars === true ? [replace(`[${chinese}]`, ' $& ')] : []),
    ...(stripsAccents === true ? [{ type: 'NFD' }, replace(accents, '')] : []),
    ...(stage.lowercase === true ? [lowercase] : []),
  ];
}

/** Unicode 8's marks without width: two of them have one today. */
const accents = `[[\\p{Mn}&&[^${ACCENTS_SINCE_8.oniguruma}]]\\x{1734}\\x{1171e}]`;
const chinese =
  '\\x{3400}-\\x{4dbf}\\x{4e00}-\\x{9fff}\\x{f900}-\\x{faff}\\x{20000}-\\x{2a6df}' +
  '\\x{2a700}-\\x{2b81f}\\x{2b920}-\\x{2ceaf}\\x{2f800}-\\x{2fa1f}';

/** GPT-2's words. */
const byteLevelWords = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
/** ASCII's signs, and Unicode 8's punctuation: two characters of it are none today. */
const punctuation = `[[\\p{P}&&[^${PUNCTUATION_SINCE_8.oniguruma}]]!-/:-@\\[-\`{-~\\x{166d}\\x{111c9}]`;

function preTokenizer(stage: unknown): Stage | null {
  if (!isStage(stage)) return null;
  switch (stage.type) {
    case 'Sequence':
      return { type: 'Sequence', pretokenizers: stages(stage.pretokenizers, preTokenizer) };
    case 'ByteLevel':
      return {
        type: 'Sequence',
        pretokenizers: [
          ...(stage.add_prefix_space === true ? [replace('\\A(?! )', ' ')] : []),
          ...(stage.use_regex === false ? [] : [keep(byteLevelWords)]),
          { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
        ],
      };
    case 'BertPreTokenizer':
      return keep(`[^\\s${punctuation}]+|${punctuation}`);
    case 'Whitespace':
      return keep('[\\w\\x{200c}\\x{200d}]+|[^\\s\\w\\x{200c}\\x{200d}]+');
    case 'WhitespaceSplit':
      return keep('\\S+');
    case 'Digits':
      return split({
        // Rust's own numbers, which are today's.
        pattern: { Regex: stage.individual_digits === true ? '\\p{N}' : '\\p{N}+' },
        behavior: 'Isolated',
      });
    case 'Punctuation':
      return split({ ...stage, pattern: { Regex: punctuation }, behavior: stage.behavior ?? 'Isolated' });
    case 'Split':
      return split({ ...stage, pattern: pattern(stage.pattern) });
    default:
      return stage;
  }
}

/** JavaScript's library takes what is neither removed nor isolated as isolated. */
function split(stage: Stage): Stage {
  const behavior = String(stage.behavior);
  if (behavior === 'Isolated') return { ...stage, type: 'Split', invert: false };
  if (behavior === 'Removed') return { ...stage, type: 'Split' };
  throw new Error(`it splits by the behavior ${behavior}, which is not supported`);
}

function sequence(normalizers: Stage[]): Stage {
  return { type: 'Sequence', normalizers };
}

function replace(regex: string, content: string): Stage {
  return { type: 'Replace', pattern: pattern({ Regex: regex }), content };
}

/** Keeps what matches, piece by piece, and drops the rest. */
function keep(regex: string): Stage {
  return { type: 'Split', pattern: pattern({ Regex: regex }), behavior: 'Removed', invert: true };
}

/** Letters and numbers are those of Unicode 16. */
function pattern(value: unknown): unknown {
  if (!isStage(value) || typeof value.Regex !== 'string') return value;
  const without = (kind: string, since: string) => `[\\p{${kind}}&&[^${since}]]`;
  return {
    Regex: value.Regex.replaceAll('\\p{L}', () => without('L', LETTERS_SINCE_16.oniguruma)).replaceAll(
      '\\p{N}',
      () => without('N', NUMBERS_SINCE_16.oniguruma),
    ),
  };
}
