import { EmbeddingDataset, openStore } from '@captrain/data';
import { type StepPlan, imageOrder, sampleOrder, stepPlan, totalSteps } from '@captrain/data/order';
import { CaptionTokenizer } from '@captrain/model/batches';
import type { RunConfig } from '@captrain/model/run';
import type { FeederWork, Microbatch, Opened, Place } from './messages.js';
import { packSamples } from './pack-samples.js';
import { ValidationSource } from './validation-source.js';

/** Epochs whose order is kept: prefetching looks into the next one while the last one's end is still asked for. */
const ORDERS_KEPT = 2;

/**
 * Makes any microbatch of a run: reads its captions and vectors, tokenizes and packs them. What it holds is a pure
 * function of the run's config and data, and of the cut.
 */
export class BatchSource {
  /** Orders by epoch, the oldest first. */
  private readonly orders = new Map<number, Promise<Uint32Array>>();
  /** Batches to validate on, of the same data. */
  readonly validation: ValidationSource;

  private constructor(
    private readonly config: RunConfig,
    private readonly dataset: EmbeddingDataset,
    private readonly tokenizer: CaptionTokenizer,
  ) {
    this.validation = new ValidationSource(config, dataset, tokenizer);
  }

  /** Throws a UserError for data or a tokenizer that is missing, damaged, or of another kind than the run's. */
  static async open({ config, expect, languageModel }: FeederWork): Promise<BatchSource> {
    const dataset = await EmbeddingDataset.open(await openStore(config.data), config.split, { expect });
    return new BatchSource(config, dataset, await CaptionTokenizer.load(config, languageModel));
  }

  get opened(): Opened {
    const { dim, captions, manifest } = this.dataset;
    return { dim, captions, dataDigest: manifest.digest };
  }

  /**
   * Loads all shards, a few at a time: sooner or later every worker needs every one of them. A fault is kept for whoever
   * asks for a caption of that shard.
   */
  async loadAhead(): Promise<void> {
    await this.dataset.loadAll(4).catch(() => undefined);
  }

  /** Microbatches of a step in a cut; 0 beyond the run's last one. */
  countOf(step: number, cut: number): number {
    const { captions } = this.dataset;
    if (step >= totalSteps(captions, this.config)) return 0;
    return this.planOf(step, cut).microbatches.length;
  }

  async read({ step, cut, microbatch }: Place): Promise<Microbatch> {
    const { epoch, microbatches } = this.planOf(step, cut);
    const range = microbatches[microbatch];
    if (range === undefined)
      throw new RangeError(`microbatch ${microbatch} of step ${step}, which has ${microbatches.length}`);
    const order = await this.orderOf(epoch);
    const samples = order.slice(range.start, range.end);
    return { batch: await packSamples(samples, this.dataset, this.tokenizer, this.config), samples };
  }

  private planOf(step: number, cut: number): StepPlan {
    const { batchSize } = this.config;
    return stepPlan(this.dataset.captions, { batchSize, microbatches: cut }, step);
  }

  private orderOf(epoch: number): Promise<Uint32Array> {
    let order = this.orders.get(epoch);
    if (order === undefined) {
      order = this.makeOrder(epoch);
      order.catch(() => this.orders.delete(epoch));
      this.orders.set(epoch, order);
      if (this.orders.size > ORDERS_KEPT) this.orders.delete(this.orders.keys().next().value!);
    }
    return order;
  }

  private async makeOrder(epoch: number): Promise<Uint32Array> {
    const { seed, order } = this.config;
    if (order === 'captions') return sampleOrder({ seed, epoch, count: this.dataset.captions });
    return imageOrder({ seed, epoch, firstCaption: await this.dataset.firstCaptions() });
  }
}
