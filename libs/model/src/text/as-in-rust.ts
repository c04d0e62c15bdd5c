/**
 * What makes @huggingface/tokenizers (0.2.0) give the ids and texts that Python's `tokenizers` (0.23, Rust) gives: a
 * tokenizer.json, rewritten so that JavaScript's library takes it as Rust's takes the original, and repairs of what it
 * makes of that. Every rule stands for a difference that a comparison of both showed.
 */
import { rustNormalizer } from './rust-normalizer.js';
import { rustPreTokenizer } from './rust-pre-tokenizer.js';
import { NORMALIZED_SINCE_9 } from './unicode-since.js';

/** What tokenizer.json holds, as far as it is looked at here. */
export type TokenizerJson = Record<string, unknown>;

/** The tokenizer.json with its normalizer and pre-tokenizer rewritten. Throws where a stage cannot be had. */
export function asInRust(json: TokenizerJson): TokenizerJson {
  return {
    ...json,
    added_tokens: json.added_tokens ?? [],
    normalizer: rustNormalizer(json.normalizer),
    pre_tokenizer: rustPreTokenizer(json.pre_tokenizer),
    post_processor: json.post_processor ?? null,
    decoder: json.decoder ?? null,
  };
}

/** A normalizer of the library: one that has a form of Unicode's, a sequence, or another. */
interface LibraryNormalizer {
  form?: string;
  normalizers?: (LibraryNormalizer | null)[];
  normalize(text: string): string;
}

/** A decoder of the library: of byte tokens, a sequence, or another. */
interface LibraryDecoder {
  config: { type?: unknown };
  decoders?: (LibraryDecoder | null)[];
  text_decoder?: { decode(bytes: Uint8Array): string };
}

/** Repairs the stages of a tokenizer that the library has made. */
export function repair(tokenizer: {
  normalizer: LibraryNormalizer | null;
  decoder: LibraryDecoder | null;
}): void {
  repairNormalizer(tokenizer.normalizer);
  repairDecoder(tokenizer.decoder);
}

/** Unicode normalizers pass over the characters that Rust's do not know. */
function repairNormalizer(normalizer: LibraryNormalizer | null): void {
  normalizer?.normalizers?.forEach(repairNormalizer);
  const form = normalizer?.form;
  if (normalizer === null || form === undefined) return;
  normalizer.normalize = (text) => text.replace(knownToRust, (part) => part.normalize(form));
}

const knownToRust = new RegExp(`[^${NORMALIZED_SINCE_9.javascript}]+`, 'gu');

/** Byte tokens that are no text together become one replacement character each. */
function repairDecoder(decoder: LibraryDecoder | null): void {
  decoder?.decoders?.forEach(repairDecoder);
  if (decoder?.config.type === 'ByteFallback') decoder.text_decoder = { decode: textOrReplacements };
}

function textOrReplacements(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return '\ufffd'.repeat(bytes.length);
  }
}
