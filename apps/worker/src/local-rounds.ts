import { type IslandStep, roundPlan, roundStart, totalSteps } from '@captrain/data/order';
import { tf } from '@captrain/engine';
import { learningRateAt } from '@captrain/model/config';
import { type RunConfig, exchangedPerParameter } from '@captrain/model/run';
import type { Algorithm, PlannedStep, UpdateFacts } from './algorithm.js';
import type { Gradients } from './gradients.js';
import type { LeafComputer } from './held-sums.js';
import { outerUpdate } from './outer-update.js';
import { type MicrobatchSums, subtreeGradient } from './subtree-gradient.js';
import type { TrainingState } from './training-state.js';

/**
 * Training by rounds of local steps (DiLoCo): leaves are islands, each of which takes the round's AdamW steps from the same
 * start on its own part of the global batches; a leaf's vector is what that changed of parameters and moments. Nothing of an
 * island outlives its round, so any worker can compute any island.
 */
export class LocalRounds implements Algorithm {
  constructor(
    private readonly gradients: Gradients,
    private readonly state: TrainingState,
    private readonly config: RunConfig,
    /** Of the training split. */
    private readonly captions: number,
  ) {}

  get vectorLength(): number {
    return exchangedPerParameter(this.config) * this.state.parameters;
  }

  before(step: number): number {
    return roundStart(this.config.localSteps, step);
  }

  /** Each island says itself what it will read, step by step. */
  expect(): void {}

  leaves({ step, cut }: PlannedStep, proceed: (leaf: number) => Promise<void>): LeafComputer {
    const { batchSize, localSteps, islands } = this.config;
    const options = { batchSize, microbatches: cut, localSteps, islands };
    const walks = roundPlan(this.captions, options, step).islands;
    const island = async (leaf: number, into: Float32Array) => {
      const taken: MicrobatchSums[] = [];
      await this.state.excursion(async (optimizer) => {
        for (const part of walks[leaf]!) {
          const { gradient, sums } = await this.gradientOf(part, cut, () => proceed(leaf));
          const captionTokens = sums.reduce((sum, each) => sum + each.captionTokens, 0);
          const learningRate = this.learningRateAt(part.step);
          optimizer.apply(gradient, { scale: 1 / captionTokens, learningRate });
          tf.dispose(gradient);
          taken.push(...sums);
        }
        this.writeChanges(into);
      });
      return together(taken);
    };
    return { island };
  }

  apply(sum: Float32Array, { step, leaves }: UpdateFacts): void {
    const { outerLearningRate: learningRate, outerMomentum: momentum } = this.config;
    const { state } = this;
    const arrays = state.present();
    outerUpdate(arrays, sum, { islands: leaves, learningRate, momentum });
    state.take(step, state.updates + step - state.step, arrays);
  }

  /** The gradient's sum over an island's part of one global batch, added up in a tree of its own. */
  private async gradientOf({ step, microbatches }: IslandStep, cut: number, proceed: () => Promise<void>) {
    const { start, end } = microbatches;
    const count = end - start;
    this.gradients.expect({ step, cut, microbatches: Array.from({ length: count }, (_, i) => start + i) });
    const sums: MicrobatchSums[] = [];
    const gradient = await subtreeGradient(
      { first: 0, count: 2 ** Math.ceil(Math.log2(count)) },
      count,
      async (microbatch) => {
        await proceed();
        return this.gradients.of({ step, cut, microbatch: start + microbatch });
      },
      (_, each) => sums.push(each),
      async (_, abandoned) => tf.dispose(abandoned),
    );
    return { gradient, sums };
  }

  /** What the present excursion has changed, as start − end: small numbers, which bfloat16 carries well. */
  private writeChanges(into: Float32Array): void {
    const { parameters: length } = this.state;
    const part = (i: number) => into.subarray(i * length, (i + 1) * length);
    const start = this.state.present();
    const changes = [part(0), part(1), part(2)] as const;
    this.state.copyTo(changes);
    changes.forEach((values, array) => {
      const from = start[array]!;
      for (let i = 0; i < length; i++) values[i] = from[i]! - values[i]!;
    });
  }

  /** Of a step counted from 0. */
  private learningRateAt(step: number): number {
    return learningRateAt(this.config, step, totalSteps(this.captions, this.config));
  }
}

/** An island's figures. */
function together(taken: readonly MicrobatchSums[]): MicrobatchSums {
  const sum = (pick: (each: MicrobatchSums) => number) =>
    taken.reduce((total, each) => total + pick(each), 0);
  return {
    lossSum: sum(({ lossSum }) => lossSum),
    captionTokens: sum(({ captionTokens }) => captionTokens),
    captions: sum(({ captions }) => captions),
    samples: Uint32Array.from(taken.flatMap(({ samples }) => [...samples])),
    seconds: sum(({ seconds }) => seconds),
    inputSeconds: sum(({ inputSeconds }) => inputSeconds),
  };
}
