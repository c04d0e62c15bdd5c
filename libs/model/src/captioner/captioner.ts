import { createHash } from 'node:crypto';
import { bucketOf, type CompiledShape, copyOut, requireBfloat16, tf } from '@captrain/engine';
import { UserError, sha256 } from '@captrain/runtime';
import { startMapper } from '../captioner-folder/start-mapper.js';
import type { LanguageModelConfig, MapperConfig, MemoryConfig, PrecisionConfig } from '../config.js';
import type { Gpt2Computation } from '../gpt2/gpt2-block.js';
import { type Gpt2Config, dropoutRates, readGpt2Config } from '../gpt2/gpt2-config.js';
import { loadGpt2 } from '../gpt2/load-gpt2.js';
import { requireItsTokenizer } from '../gpt2/require-its-tokenizer.js';
import { modelFolder } from '../hub/model-folder.js';
import { type ParameterLayout, flatOfFile, layoutOf } from '../layout.js';
import { tensorsInPlaceOf } from '../load-parameters.js';
import { embeddingDimOf, firstWeight, initMapper, mapperShapes } from '../mapper/mapper.js';
import { type DropoutKey, dropoutSeed } from '../ops/dropout.js';
import { Tokenizer } from '../text/tokenizer.js';
import { readSafetensors } from '../weights/read-safetensors.js';
import type { WeightsFile } from '../weights/weights-file.js';
import { CaptionTokenizer } from './caption-tokenizer.js';
import type { CaptionerParts } from './caption-loss.js';
import { compiledGradient, compiledLoss } from './compiled-gradient.js';
import type { CompiledOfBatch } from './compiled-of-batch.js';
import { type CaptionBatch, packBatch, type PackedBatch } from './packed-batch.js';
import { packedTensors } from './packed-tensors.js';

export type CaptionerConfig = MapperConfig & LanguageModelConfig & Partial<PrecisionConfig & MemoryConfig>;

/** The sums of one batch. */
export interface BatchLoss {
  /** Cross-entropy in nats, summed over the caption tokens. */
  lossSum: number;
  captionTokens: number;
}

/** The same with its gradient. `G` is how that is given. */
export interface BatchGradient<G = Float32Array> extends BatchLoss {
  /** Gradient of `lossSum`: flat in the order of the captioner's layout, or a tensor for each of its entries. */
  gradients: G;
}

/** A captioner being trained or used: a mapper and the GPT-2 that it writes prefixes for. `close()` frees its tensors. */
export class Captioner {
  /** What is trained, in fixed order: the mapper, then GPT-2 unless it is frozen. Names are the reference's. */
  readonly layout: ParameterLayout;
  /** The trainable parameters as tfjs variables, in the order of the layout. */
  readonly variables: readonly tf.Variable[];
  readonly #captions: CaptionTokenizer;

  private constructor(
    readonly config: CaptionerConfig,
    readonly embeddingDim: number,
    readonly tokenizer: Tokenizer,
    readonly gpt2: Gpt2Computation,
    mapperParameters: Map<string, tf.Tensor>,
    gpt2Parameters: Map<string, tf.Tensor>,
  ) {
    this.#captions = new CaptionTokenizer(config, tokenizer, gpt2.n_positions);
    this.#mapper = asVariables(mapperParameters);
    this.#gpt2 = config.freezeLanguageModel ? gpt2Parameters : asVariables(gpt2Parameters);
    const trained = new Map<string, tf.Tensor>(this.#mapper);
    if (!config.freezeLanguageModel)
      for (const [name, value] of this.#gpt2) trained.set(`gpt.${name}`, value);
    this.variables = [...trained.values()] as tf.Variable[];
    this.layout = layoutOf(new Map([...trained].map(([name, value]) => [name, value.shape])));
    const frozen = config.freezeLanguageModel;
    const { xla } = config;
    this.#gradient = compiledGradient(this.parts, { trained: this.variables, frozen, xla });
    this.#loss = compiledLoss(this.parts);
  }

  readonly #gradient: CompiledOfBatch;
  readonly #loss: CompiledOfBatch;
  readonly #mapper: Map<string, tf.Tensor>;
  readonly #gpt2: Map<string, tf.Tensor>;

  /**
   * The language model that the config names, downloaded where it is not there yet, and a mapper for embeddings of this
   * width: a new one, made from the seed, or that of the captioner folder `init`. What does not fit, and bfloat16 on a
   * device without it, is a UserError.
   */
  static async create(options: {
    config: CaptionerConfig;
    embeddingDim: number;
    seed: number;
    init?: string | undefined;
    signal?: AbortSignal;
  }): Promise<Captioner> {
    const { config, embeddingDim, seed, init, signal } = options;
    if (config.precision === 'bfloat16') requireBfloat16();
    const folder = await modelFolder(config.languageModel, { signal });
    const gpt2 = computationOf(config, readGpt2Config(folder));
    const tokenizer = await Tokenizer.load(folder);
    checkFit(config, gpt2, tokenizer);
    const widths = { embeddingDim, width: gpt2.n_embd };
    const shapes = mapperShapes(config, widths);
    const mapper =
      init === undefined
        ? tensorsInPlaceOf(shapes, initMapper(config, widths, seed))
        : await startMapper(init, shapes);
    const { parameters } = await loadGpt2(folder);
    return new Captioner(config, embeddingDim, tokenizer, gpt2, mapper, parameters);
  }

  /**
   * A captioner as it was saved, to be used: `weights` are the trained parameters in the layout's names (an opened file, or
   * safetensors as a path or in memory), and the config names the language model, which brings its tokenizer. It computes in float32,
   * whatever it was trained in, so that any machine can. Weights that do not fit are a UserError.
   */
  static async load(options: {
    config: CaptionerConfig;
    weights: WeightsFile | string | Uint8Array;
    signal?: AbortSignal;
  }): Promise<Captioner> {
    const { weights, signal } = options;
    const config = { ...options.config, precision: 'float32' as const, xla: false };
    const isOpen = typeof weights !== 'string' && 'tensors' in weights;
    const file = isOpen ? weights : readSafetensors(weights);
    const place = weights instanceof Uint8Array ? 'the checkpoint' : file.place;
    const embeddingDim = embeddingDimOf(config, file);
    if (embeddingDim === undefined)
      throw new UserError(
        `${place} holds no ${config.mapper} mapper: it has no tensor ${firstWeight[config.mapper]}.`,
      );
    const captioner = await Captioner.create({ config, embeddingDim, seed: 0, ...(signal && { signal }) });
    try {
      captioner.importFlat(flatOfFile(captioner.layout, file, place));
    } catch (error) {
      captioner.close();
      throw error;
    }
    return captioner;
  }

  /** The parts that pure functions of this captioner take. */
  get parts(): CaptionerParts {
    return {
      mapper: this.config,
      mapperParameters: this.#mapper,
      gpt2: this.gpt2,
      gpt2Parameters: this.#gpt2,
    };
  }

  /** Most target tokens of a caption, the end of text included: what config and language model have room for. */
  get maxCaptionTokens(): number {
    return this.#captions.maxTokens;
  }

  /** Tokens that end a caption when it is written. */
  get endTokens(): ReadonlySet<number> {
    return this.#captions.endTokens;
  }

  /** A caption's target tokens: see `CaptionTokenizer`. */
  tokenizeCaption(text: string): number[] {
    return this.#captions.tokensOf(text);
  }

  /** The text of a caption that was written: an end of text is left out, a full stop stays. */
  captionText(tokens: readonly number[]): string {
    return this.#captions.textOf(tokens);
  }

  /** Lays a batch out as this captioner takes it; with little padding, so that there are few shapes to compile. */
  pack(batch: CaptionBatch): PackedBatch {
    const { embeddingDim, config } = this;
    const { prefixLength, frames } = config;
    return packBatch(batch, { embeddingDim, prefixLength, frames, bucket: bucketOf });
  }

  /**
   * Loss and gradient of a batch, as sums over its caption tokens; the gradient's tensors are the caller's. With a
   * dropout key a language model that is trained drops values at its config's rates; a frozen one never does.
   */
  gradientTensors(packed: PackedBatch, dropoutKey?: DropoutKey): BatchGradient<tf.Tensor[]> {
    let lossSum = NaN;
    const gradients = tf.tidy(() => {
      const drops = dropoutKey !== undefined && !this.config.freezeLanguageModel && hasDropout(this.gpt2);
      const seed_2 = drops ? tf.tensor1d(dropoutSeed(dropoutKey), 'int32') : undefined;
      const [loss, ...gradients] = this.#gradient.call(this.#tensors(packed), seed_2);
      lossSum = loss!.dataSync()[0]!;
      return gradients;
    });
    return { lossSum, captionTokens: packed.captionTokens, gradients };
  }

  /** The same with the gradient flat, in `into` where it is given. */
  gradient(
    batch: CaptionBatch,
    { into, dropoutKey }: { into?: Float32Array; dropoutKey?: DropoutKey } = {},
  ): BatchGradient {
    const flat = into ?? new Float32Array(this.layout.length);
    if (flat.length !== this.layout.length)
      throw new Error(`a buffer of ${flat.length} values for ${this.layout.length} gradients`);
    const { gradients, ...sums } = this.gradientTensors(this.pack(batch), dropoutKey);
    copyOut(gradients, flat);
    tf.dispose(gradients);
    return { ...sums, gradients: flat };
  }

  /** The loss alone, for validation: without dropout. */
  loss(batch: CaptionBatch): BatchLoss {
    return this.packedLoss(this.pack(batch));
  }

  /** The same of a batch that is laid out already. */
  packedLoss(packed: PackedBatch): BatchLoss {
    const lossSum = tf.tidy(() => this.#loss.call(this.#tensors(packed))[0]!.dataSync()[0]!);
    return { lossSum, captionTokens: packed.captionTokens };
  }

  /** The shapes of batches that `gradient` was compiled for. */
  compiledShapes(): CompiledShape[] {
    return this.#gradient.report();
  }

  #tensors(packed: PackedBatch) {
    return packedTensors(packed, { embeddingDim: this.embeddingDim, most: this.config.frames });
  }

  /** A copy of the trainable parameters, flat in the order of the layout. */
  exportFlat(): Float32Array {
    const flat = new Float32Array(this.layout.length);
    copyOut(this.variables, flat);
    return flat;
  }

  /** Replaces the trainable parameters by a copy of these values. */
  importFlat(flat: Float32Array): void {
    if (flat.length !== this.layout.length)
      throw new Error(`${flat.length} values for ${this.layout.length} trainable parameters`);
    this.layout.entries.forEach(({ shape, offset, length }, index) => {
      const value = tf.tensor(flat.slice(offset, offset + length), [...shape], 'float32');
      this.variables[index]!.assign(value);
      value.dispose();
    });
  }

  /** SHA-256 over names, shapes and values of the trainable parameters: equal for equal replicas only. */
  digest(): string {
    const names = JSON.stringify(this.layout.entries.map(({ name, shape }) => [name, shape]));
    return sha256(names, new Uint8Array(this.exportFlat().buffer));
  }

  /**
   * SHA-256 over names and values of a frozen language model's parameters; of nothing where it is trained. Those who train
   * together have to hold the same ones, though no checkpoint has them.
   */
  frozenDigest(): string {
    const hash = createHash('sha256');
    const frozen = this.config.freezeLanguageModel ? [...this.#gpt2] : [];
    for (const [name, tensor] of frozen) {
      const values = new Float32Array(tensor.size);
      copyOut([tensor], values);
      hash.update(name).update(new Uint8Array(values.buffer));
    }
    return hash.digest('hex');
  }

  close(): void {
    this.#gradient.close();
    this.#loss.close();
    for (const tensor of [...this.#mapper.values(), ...this.#gpt2.values()]) tensor.dispose();
  }
}

function hasDropout({ embd_pdrop, attn_pdrop, resid_pdrop }: Gpt2Config): boolean {
  return embd_pdrop + attn_pdrop + resid_pdrop > 0;
}

/** A GPT-2's config with what the captioner's own says instead. */
function computationOf(config: CaptionerConfig, gpt2: Gpt2Config): Gpt2Computation {
  const { dropout, precision, checkpointActivations } = config;
  return {
    ...gpt2,
    ...(dropout !== undefined && dropoutRates(dropout)),
    ...(precision !== undefined && { precision }),
    ...(checkpointActivations !== undefined && { checkpointActivations }),
  };
}

/** Config, language model and tokenizer must belong together; what does not is a UserError. */
function checkFit(config: CaptionerConfig, gpt2: Gpt2Config, tokenizer: Tokenizer): void {
  if (config.prefixLength >= gpt2.n_positions)
    throw new UserError(
      `prefixLength ${config.prefixLength} leaves no room for words: ${config.languageModel} has ${gpt2.n_positions} positions.`,
    );
  requireItsTokenizer(config.languageModel, gpt2, tokenizer);
}

/** Variables of these values, in place of the tensors. */
function asVariables(tensors: Map<string, tf.Tensor>): Map<string, tf.Variable> {
  return new Map(
    [...tensors].map(([name, tensor]) => {
      const variable = tf.variable(tensor);
      tensor.dispose();
      return [name, variable];
    }),
  );
}
