import type { Subtree } from '@captrain/protos';
import type { Algorithm, PlannedStep, UpdateFacts } from './algorithm.js';
import type { Gradients } from './gradients.js';
import type { LeafComputer } from './held-sums.js';
import type { TrainingState } from './training-state.js';

/** Synchronous training: leaves are microbatches, their vectors gradients, and AdamW goes by the sum of all. */
export class Synchronous implements Algorithm {
  constructor(
    private readonly gradients: Gradients,
    private readonly state: TrainingState,
  ) {}

  get vectorLength(): number {
    return this.state.parameters;
  }

  before(step: number): number {
    return step - 1;
  }

  expect({ step, cut }: PlannedStep, subtrees: readonly Subtree[]): void {
    const microbatches = subtrees.flatMap(({ first, count }) =>
      Array.from({ length: count }, (_, i) => first + i),
    );
    this.gradients.expect({ step: step - 1, cut, microbatches });
  }

  leaves({ step, cut }: PlannedStep, proceed: (leaf: number) => Promise<void>): LeafComputer {
    const gradient = async (microbatch: number) => {
      await proceed(microbatch);
      return this.gradients.of({ step: step - 1, cut, microbatch });
    };
    return { gradient };
  }

  apply(sum: Float32Array, facts: UpdateFacts): void {
    this.state.apply(sum, facts);
  }
}
