import type { EmbeddingDataset } from '@captrain/data';
import { imageOrder, sampleOrder, stepPlan } from '@captrain/data/order';
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
    const indices = (await this.orderOf(plan.epoch)).subarray(start, end);
    const { embeddings: distinct, images, captions } = await this.dataset.samples(indices);
    const { dim } = this.dataset;
    const embeddings = new Float32Array(captions.length * dim);
    for (const [caption, image] of images.entries())
      embeddings.set(distinct.subarray(image * dim, (image + 1) * dim), caption * dim);
    return { embeddings, captions };
  }

  private async orderOf(epoch: number): Promise<Uint32Array> {
    if (this.order?.epoch !== epoch) {
      const { seed, order } = this.config;
      const indices =
        order === 'images'
          ? imageOrder({ seed, epoch, firstCaption: await this.dataset.firstCaptions() })
          : sampleOrder({ seed, epoch, count: this.dataset.captions });
      this.order = { epoch, indices };
    }
    return this.order.indices;
  }
}
