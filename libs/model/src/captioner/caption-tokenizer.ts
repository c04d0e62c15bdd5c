import { UserError } from '@captrain/runtime';
import type { LanguageModelConfig, MapperConfig } from '../config.js';
import { readGpt2Config } from '../gpt2/gpt2-config.js';
import { Tokenizer } from '../text/tokenizer.js';

/** What of a captioner's config decides how its captions become tokens. */
export type CaptionTokenizerConfig = Pick<MapperConfig, 'prefixLength'> &
  Pick<LanguageModelConfig, 'languageModel' | 'maxCaptionTokens' | 'captionEnd'>;

/** Captions as a captioner's language model reads and writes them. It needs no tensors, nor TensorFlow. */
export class CaptionTokenizer {
  /** Most target tokens of a caption, the end of text included: what config and language model have room for. */
  readonly maxTokens: number;
  /** Tokens that end a caption when it is written: the end of text, and a full stop where that is the config's end. */
  readonly endTokens: ReadonlySet<number>;

  /** `positions`: those that the language model has, for prefix and caption. */
  constructor(
    private readonly config: CaptionTokenizerConfig,
    readonly tokenizer: Tokenizer,
    positions: number,
  ) {
    this.maxTokens = Math.min(config.maxCaptionTokens, positions - config.prefixLength + 1);
    this.endTokens = new Set([
      tokenizer.endOfTextId,
      ...(config.captionEnd === 'full-stop' ? [fullStop(config, tokenizer)] : []),
    ]);
  }

  /** Reads tokenizer and config of the language model in `folder`; what is wrong with them is a UserError. */
  static async load(config: CaptionTokenizerConfig, folder: string): Promise<CaptionTokenizer> {
    const { n_positions: positions } = readGpt2Config(folder);
    return new CaptionTokenizer(config, await Tokenizer.load(folder), positions);
  }

  /**
   * A caption's target tokens: its own, then the end of text; one that is too long is cut, and has no end. Where a
   * full stop ends captions, the end of text is left out, save behind an empty caption, which has no other token.
   */
  tokensOf(text: string): number[] {
    const tokens = this.tokenizer.encode(text);
    if (this.config.captionEnd === 'end-of-text' || tokens.length === 0)
      tokens.push(this.tokenizer.endOfTextId);
    return tokens.slice(0, this.maxTokens);
  }

  /** The text of a caption that was written: an end of text is left out, a full stop stays. */
  textOf(tokens: readonly number[]): string {
    return this.tokenizer.decode(tokens.filter((token) => token !== this.tokenizer.endOfTextId));
  }
}

/** The token of a full stop, as the reference finds it: the first of the text ".". */
function fullStop({ languageModel }: CaptionTokenizerConfig, tokenizer: Tokenizer): number {
  const [token] = tokenizer.encode('.');
  if (token === undefined)
    throw new UserError(
      `the tokenizer in ${languageModel} has no full stop to end captions with; set captionEnd to end-of-text.`,
    );
  return token;
}
