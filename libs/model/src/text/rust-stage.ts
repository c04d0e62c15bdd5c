import { LETTERS_SINCE_16, NUMBERS_SINCE_16 } from './unicode-since.js';

/** A normalizer or pre-tokenizer, as tokenizer.json writes it. */
export type Stage = Record<string, unknown> & { type?: unknown };

export function isStage(value: unknown): value is Stage {
  return typeof value === 'object' && value !== null;
}

/** A list of stages, each rewritten. */
export function stages(list: unknown, rewrite: (stage: unknown) => Stage | null): Stage[] {
  return (Array.isArray(list) ? list : []).map(rewrite).filter((stage) => stage !== null);
}

/** A stage that replaces what matches: a normalizer as well as a pre-tokenizer. `$&` in the content is the match. */
export function replace(regex: string, content: string): Stage {
  return { type: 'Replace', pattern: pattern({ Regex: regex }), content };
}

/** A pre-tokenizer that keeps what matches, piece by piece, and drops the rest. */
export function keep(regex: string): Stage {
  return { type: 'Split', pattern: pattern({ Regex: regex }), behavior: 'Removed', invert: true };
}

/** A stage's pattern, whose letters and numbers are those of Unicode 16, as in Rust. */
export function pattern(value: unknown): unknown {
  if (!isStage(value) || typeof value.Regex !== 'string') return value;
  const without = (kind: string, since: string) => `[\\p{${kind}}&&[^${since}]]`;
  return {
    Regex: value.Regex.replaceAll('\\p{L}', () => without('L', LETTERS_SINCE_16.oniguruma)).replaceAll(
      '\\p{N}',
      () => without('N', NUMBERS_SINCE_16.oniguruma),
    ),
  };
}
