import { type Stage, isStage, pattern, replace, stages } from './rust-stage.js';
import { ACCENTS_SINCE_8, FORMATS_SINCE_8 } from './unicode-since.js';

/**
 * Rust lowers a letter at a time: a sigma at the end of a word becomes no final sigma. A whole text that lowering makes
 * look like a special token is none: the space behind it hides it from JavaScript's library.
 */
const lowercase = sequence([
  replace('Σ', 'σ'),
  { type: 'Lowercase' },
  replace('\\A<\\|[a-z]+\\|>\\z', '$& '),
]);

/** A normalizer for JavaScript's library that does what the given one does in Rust. */
export function rustNormalizer(stage: unknown): Stage | null {
  if (!isStage(stage)) return null;
  switch (stage.type) {
    case 'Sequence':
      return sequence(stages(stage.normalizers, rustNormalizer));
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

function sequence(normalizers: Stage[]): Stage {
  return { type: 'Sequence', normalizers };
}
