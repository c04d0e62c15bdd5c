import type { Captioner } from '@captrain/model';
import type { Feeder } from './feeder/feeder.js';
import type { Lease, Place } from './feeder/messages.js';
import type { MicrobatchGradient } from './subtree-gradient.js';

/** The gradients of a run's microbatches, by the model as it is when they are asked for. */
export class Gradients {
  constructor(
    private readonly feeder: Feeder,
    private readonly captioner: Captioner,
    /** Of dropout. */
    private readonly seed: number,
  ) {}

  /** Says which will be asked for, so that their data are read meanwhile. */
  expect(lease: Lease): void {
    this.feeder.expect(lease);
  }

  /** A microbatch's gradient sum, whose tensors are the caller's. Steps are counted from 0. */
  async of(place: Place): Promise<MicrobatchGradient> {
    const { step, microbatch } = place;
    const asked = performance.now();
    const { batch, samples } = await this.feeder.microbatch(place);
    const inputSeconds = (performance.now() - asked) / 1000;
    const dropoutKey = { seed: this.seed, step: step + 1, microbatch };
    const { gradients, ...sums } = this.captioner.gradientTensors(batch, dropoutKey);
    const seconds = (performance.now() - asked) / 1000;
    return { gradients, sums: { ...sums, captions: batch.captions, samples, seconds, inputSeconds } };
  }
}
