import type { EmbeddingDataset } from '@captrain/data';
import { sampleOrder, stepPlan } from '@captrain/data/order';
import type { RunConfig } from '@captrain/model/run';

/** Samples of one microbatch, as the model takes them. */
export interface Microbatch {
  /** Float32 [captions × dim]. */
  readonly embeddings: Float32Array;
  readonly captions: string[];
}

/** Reads the microbatches of any step: which samples they hold is a pure function of the run's config and data. */
export class MicrobatchReader {
  private order: { epoch: number; indices: Uint32Array } | undefined;

  constructor(
    private readonly dataset: EmbeddingDataset,
    private readonly config: RunConfig,
  ) {}

  /** Microbatches of a step, counted from 0; fewer in the last, short step of an epoch. */
  countOf(step: number): number {
    return stepPlan(this.dataset.captions, this.config, step).microbatches.length;
  }

  async read(step: number, microbatch: number): Promise<Microbatch> {
    const plan = stepPlan(this.dataset.captions, this.config, step);
    const { start, end } = plan.microbatches[microbatch]!;
    const indices = this.orderOf(plan.epoch).subarray(start, end);
    return this.dataset.samples(indices);
  }

  private orderOf(epoch: number): Uint32Array {
    if (this.order?.epoch !== epoch) {
      const { seed } = this.config;
      this.order = { epoch, indices: sampleOrder({ seed, epoch, count: this.dataset.captions }) };
    }
    return this.order.indices;
  }
}
