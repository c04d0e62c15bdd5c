import type { EmbeddingDataset } from '@captrain/data';
import { validationOrder } from '@captrain/data/order';
import type { CaptionTokenizer, PackedBatch } from '@captrain/model/batches';
import type { RunConfig } from '@captrain/model/run';
import type { ValidationPart } from './messages.js';
import { packSamples } from './pack-samples.js';

/** What is validated on, once it is known: of another choice there is none any more. */
interface Choice {
  readonly split: string;
  readonly captions: number;
  readonly dataset: EmbeddingDataset;
  /** Positions in the split. */
  readonly order: Uint32Array;
}

/**
 * Makes the batches that a run is validated on. Their split's shards are read when they are first needed, once; a split that
 * is trained on as well is not read again.
 */
export class ValidationSource {
  private choice: Choice | undefined;

  constructor(
    private readonly config: RunConfig,
    /** Of the split that is trained on. */
    private readonly trained: EmbeddingDataset,
    private readonly tokenizer: CaptionTokenizer,
  ) {}

  /** Throws a UserError where the data have no such split, or its shards are missing or damaged. */
  async read({ split, captions, first, end }: ValidationPart): Promise<PackedBatch> {
    if (this.choice?.split !== split || this.choice.captions !== captions)
      this.choice = this.choose(split, captions);
    const { dataset, order } = this.choice;
    return packSamples(order.subarray(first, end), dataset, this.tokenizer, this.config);
  }

  private choose(split: string, captions: number): Choice {
    const known = [this.trained, this.choice?.dataset].find((dataset) => dataset?.split === split);
    const dataset = known ?? this.trained.ofSplit(split);
    return { split, captions, dataset, order: validationOrder(dataset.captions, captions) };
  }
}
