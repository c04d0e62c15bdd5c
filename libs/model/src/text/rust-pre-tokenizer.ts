import { type Stage, isStage, keep, pattern, replace, stages } from './rust-stage.js';
import { PUNCTUATION_SINCE_8 } from './unicode-since.js';

/** GPT-2's words. */
const byteLevelWords = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
/** ASCII's signs, and Unicode 8's punctuation: two characters of it are none today. */
const punctuation = `[[\\p{P}&&[^${PUNCTUATION_SINCE_8.oniguruma}]]!-/:-@\\[-\`{-~\\x{166d}\\x{111c9}]`;

/** A pre-tokenizer for JavaScript's library that does what the given one does in Rust. Throws where there is none. */
export function rustPreTokenizer(stage: unknown): Stage | null {
  if (!isStage(stage)) return null;
  switch (stage.type) {
    case 'Sequence':
      return { type: 'Sequence', pretokenizers: stages(stage.pretokenizers, inSequence) };
    case 'Metaspace':
      return stage.split === false ? stage : metaspace(stage);
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

/** Rust also splits, in front of what stands for a space. */
function metaspace(stage: Stage): Stage {
  const space = `\\x{${String(stage.replacement ?? '▁')
    .codePointAt(0)!
    .toString(16)}}`;
  return { type: 'Sequence', pretokenizers: [stage, keep(`${space}[^${space}]*|[^${space}]+`)] };
}

/** JavaScript's library does not know which piece of a text is the first. */
function inSequence(stage: unknown): Stage | null {
  if (isStage(stage) && stage.type === 'Metaspace' && stage.prepend_scheme === 'first')
    throw new Error('it writes a space before the first of several pieces, which is not supported');
  return rustPreTokenizer(stage);
}

/** JavaScript's library takes what is neither removed nor isolated as isolated. */
function split(stage: Stage): Stage {
  const behavior = String(stage.behavior);
  if (behavior === 'Isolated') return { ...stage, type: 'Split', invert: false };
  if (behavior === 'Removed') return { ...stage, type: 'Split' };
  throw new Error(`it splits by the behavior ${behavior}, which is not supported`);
}
