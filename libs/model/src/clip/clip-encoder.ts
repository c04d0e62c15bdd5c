import path from 'node:path';
import { tf } from '@captrain/engine';
import { sha256, sha256OfFile } from '@captrain/runtime';
import { findModel } from '../hub/model-folder.js';
import { Tokenizer } from '../text/tokenizer.js';
import { weightFiles } from '../weights/model-weights.js';
import { clipImageFeatures, clipTextFeatures } from './clip.js';
import { loadClip, type LoadedClip } from './load-clip.js';
import { type ImagePreprocessor, readImagePreprocessor } from './preprocess.js';

/** A CLIP that turns pictures (and texts) into embeddings. `close()` frees its weights. */
export class ClipEncoder {
  private constructor(
    /** The model's name: that on the hub, or of its folder. */
    readonly id: string,
    /** What finds it again: the name on the hub with the commit, or the folder's absolute path. */
    readonly source: string,
    /** SHA-256 over config, preprocessing and weights: what decides the embeddings. */
    readonly digest: string,
    /** How pictures are prepared: for `decodeImage`. */
    readonly preprocessor: ImagePreprocessor,
    private readonly folder: string,
    private readonly clip: LoadedClip,
  ) {}

  /**
   * Loads a CLIP by its name on the hub, downloaded where it is not there yet, or from a folder in Hugging Face layout.
   * What is missing or does not fit is a UserError.
   */
  static async load(name: string, { signal }: { signal?: AbortSignal } = {}): Promise<ClipEncoder> {
    const { folder, id, pinned } = await findModel(name, { signal });
    const clip = await loadClip(folder);
    const preprocessor = readImagePreprocessor(folder);
    const files = ['config.json', 'preprocessor_config.json'].map((name) => path.join(folder, name));
    const digests: string[] = [];
    for (const file of [...files, ...weightFiles(folder)]) digests.push(await sha256OfFile(file));
    return new ClipEncoder(id, pinned, sha256(digests.join('\n')), preprocessor, folder, clip);
  }

  /** Values of one embedding. */
  get dim(): number {
    return this.clip.config.projection_dim;
  }

  /** Embeddings of prepared pictures, as `decodeImage` gives them; scaled to length 1 where `normalized`. */
  embed(images: readonly Float32Array[], { normalized = false } = {}): Float32Array[] {
    if (images.length === 0) return [];
    const { image_size: side } = this.clip.config.vision_config;
    const values = side * side * 3;
    const pixels = new Float32Array(images.length * values);
    images.forEach((image, index) => {
      if (image.length !== values)
        throw new Error(`a picture of ${image.length} values where ${this.id} takes ${side}×${side}×3`);
      pixels.set(image, index * values);
    });
    return this.#rows(normalized, () => {
      const pixels_BHWC = tf.tensor4d(pixels, [images.length, side, side, 3]);
      return clipImageFeatures(this.clip.parameters, this.clip.config, pixels_BHWC);
    });
  }

  /** Embeddings of texts, cut to what the text tower has room for. The folder must hold a tokenizer. */
  async embedTexts(texts: readonly string[], { normalized = false } = {}): Promise<Float32Array[]> {
    if (texts.length === 0) return [];
    const tokenizer = await (this.#tokenizer ??= Tokenizer.load(this.folder));
    const tokens = clipTokens(tokenizer, texts, this.clip.config.text_config.max_position_embeddings);
    return this.#rows(normalized, () =>
      clipTextFeatures(this.clip.parameters, this.clip.config, tf.tensor2d(tokens, undefined, 'int32')),
    );
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
