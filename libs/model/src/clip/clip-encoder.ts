import { tf } from '@captrain/engine';
import { UserError, sha256, sha256OfFile } from '@captrain/runtime';
import { findModel } from '../hub/model-folder.js';
import { Tokenizer } from '../text/tokenizer.js';
import type { ClipModel, TextTower } from './clip-model.js';
import { findClipSource } from './clip-source.js';
import type { ImagePreprocessor } from './picture/image-preprocessor.js';

/** A CLIP that turns pictures (and texts) into embeddings. `close()` frees its weights. */
export class ClipEncoder {
  private constructor(
    /** The model's name: that on the hub, or of its folder or file. */
    readonly id: string,
    /** What finds it again: the name on the hub with the commit, or the folder's absolute path. */
    readonly source: string,
    /** SHA-256 over config, preprocessing and weights: what decides the embeddings. */
    readonly digest: string,
    /** How pictures are prepared: for `decodeImage`. */
    readonly preprocessor: ImagePreprocessor,
    private readonly folder: string,
    private readonly clip: ClipModel,
  ) {}

  /**
   * Loads a CLIP by its name on the hub, downloaded where it is not there yet, from a folder in Hugging Face or OpenCLIP
   * layout, or from a file of OpenAI's weights. What is missing or does not fit is a UserError.
   */
  static async load(name: string, { signal }: { signal?: AbortSignal } = {}): Promise<ClipEncoder> {
    const found = await findModel(name, { signal });
    const { preprocessor, files, folder, load } = await findClipSource(found.folder);
    const model = await load();
    const digests: string[] = [];
    for (const file of files) digests.push(await sha256OfFile(file));
    return new ClipEncoder(found.id, found.pinned, sha256(digests.join('\n')), preprocessor, folder, model);
  }

  /** Values of one embedding. */
  get dim(): number {
    return this.clip.dim;
  }

  /** Embeddings of prepared pictures, as `decodeImage` gives them; scaled to length 1 where `normalized`. */
  embed(images: readonly Float32Array[], { normalized = false } = {}): Float32Array[] {
    if (images.length === 0) return [];
    const { side, features } = this.clip.vision;
    const values = side * side * 3;
    const pixels = new Float32Array(images.length * values);
    images.forEach((image, index) => {
      if (image.length !== values)
        throw new Error(`a picture of ${image.length} values where ${this.id} takes ${side}×${side}×3`);
      pixels.set(image, index * values);
    });
    return this.#rows(normalized, () => features(tf.tensor4d(pixels, [images.length, side, side, 3])));
  }

  /**
   * Embeddings of texts, cut to what the text tower has room for. The folder must hold the text tower and its
   * tokenizer; else a UserError says what is missing.
   */
  async embedTexts(texts: readonly string[], { normalized = false } = {}): Promise<Float32Array[]> {
    if (texts.length === 0) return [];
    const { text } = this.clip;
    if (text === undefined)
      throw new UserError(
        `${this.id} holds the picture tower alone and embeds no texts; name the whole CLIP.`,
      );
    const tokenizer = await (this.#tokenizer ??= loadTokenizer(this.folder, text));
    const tokens = clipTokens(tokenizer, texts, text.positions);
    return this.#rows(normalized, () => text.features(tf.tensor2d(tokens, undefined, 'int32')));
  }

  #tokenizer: Promise<Tokenizer> | undefined;

  #rows(normalized: boolean, features: () => tf.Tensor2D): Float32Array[] {
    const rows: Float32Array[] = [];
    tf.tidy(() => {
      const features_BQ = features();
      const chosen_BQ = normalized ? tf.div(features_BQ, tf.norm(features_BQ, 2, 1, true)) : features_BQ;
      const values = chosen_BQ.dataSync() as Float32Array;
      for (let start = 0; start < values.length; start += this.dim)
        rows.push(values.slice(start, start + this.dim));
    });
    return rows;
  }

  close(): void {
    for (const tensor of this.clip.parameters.values()) tensor.dispose();
  }
}

async function loadTokenizer(folder: string, { vocabulary }: TextTower): Promise<Tokenizer> {
  const tokenizer = await Tokenizer.load(folder);
  if (tokenizer.vocabularySize <= vocabulary) return tokenizer;
  throw new UserError(
    `the tokenizer in ${folder} has ${tokenizer.vocabularySize} tokens where the encoder has ${vocabulary}; put CLIP's own there.`,
  );
}

/**
 * Token rows for CLIP's text tower: start, text, end; long texts are cut before the end, short ones are padded with the
 * end token up to the longest row.
 */
export function clipTokens(tokenizer: Tokenizer, texts: readonly string[], maxLength: number): number[][] {
  const rows = texts.map((text) => [
    tokenizer.startOfTextId,
    ...tokenizer.encode(text).slice(0, maxLength - 2),
    tokenizer.endOfTextId,
  ]);
  const length = Math.max(...rows.map((row) => row.length));
  return rows.map((row) => [...row, ...Array<number>(length - row.length).fill(tokenizer.endOfTextId)]);
}
