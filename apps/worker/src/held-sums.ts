import { copyOut, tf } from '@captrain/engine';
import { type SharedMemory, lookAtValues, sumParts } from '@captrain/engine/sums';
import { subtreeKey } from '@captrain/exchange';
import type { Computed, Subtree } from '@captrain/protos';
import type { SharedBuffers } from './shared-buffers.js';
import { type MicrobatchGradient, type MicrobatchSums, subtreeGradient } from './subtree-gradient.js';

/** The sum of a subtree's vectors (gradients, or changes by local steps), in memory that the link's thread sees. */
export interface HeldSum {
  readonly memory: SharedMemory;
  readonly finite: boolean;
  /** How long it took to compute; 0 once that was reported. */
  seconds: number;
}

/** What computes a leaf of a step's tree. */
export type LeafComputer =
  | {
      /** A microbatch's gradient; where there are several, they are added up on the device. */
      readonly gradient: (microbatch: number) => Promise<MicrobatchGradient>;
    }
  | {
      /** Writes the vector of an island of local steps. */
      readonly island: (leaf: number, into: Float32Array) => Promise<MicrobatchSums>;
    };

/**
 * All sums of one step that this worker has computed. Whoever is asked for a step again under another plan has them still,
 * and computes only what is missing: parts that are there are added up the same tree.
 */
export class HeldSums {
  private step = 0;
  private cut = 0;
  private leafCount = 0;
  private readonly sums = new Map<string, { readonly subtree: Subtree; readonly sum: HeldSum }>();
  private readonly figures = new Map<number, MicrobatchSums>();

  constructor(private readonly buffers: SharedBuffers) {}

  /** What is held of another step, or of another cut of this one, is of no use any more. */
  begin(step: number, cut: number, leaves: number): void {
    if (step === this.step && cut === this.cut) return;
    this.drop();
    [this.step, this.cut, this.leafCount] = [step, cut, leaves];
  }

  /** Leaves of the step. */
  get leaves(): number {
    return this.leafCount;
  }

  /** Whether sums of this step and cut are held. */
  isAt(step: number, cut: number): boolean {
    return step === this.step && cut === this.cut;
  }

  /** A subtree's sum, with as many leaves computed as are missing. */
  async get(asked: Subtree, compute: LeafComputer): Promise<HeldSum> {
    const subtree = this.trimmed(asked);
    const held = this.sums.get(subtreeKey(subtree));
    if (held !== undefined) return held.sum;
    if ('island' in compute) {
      if (subtree.count === 1) return this.computeIsland(subtree, compute.island);
    } else if (!this.hasPartOf(subtree)) return this.compute(subtree, compute.gradient);
    const half = subtree.count / 2;
    const left = { first: subtree.first, count: half };
    const right = this.trimmed({ first: subtree.first + half, count: half });
    await this.get(left, compute);
    await this.get(right, compute);
    return this.merge(subtree, left, right);
  }

  /** What is to be said of a subtree whose sum is held. */
  report(asked: Subtree): Omit<Computed, 'generation' | 'step' | 'subtree'> {
    const subtree = this.trimmed(asked);
    const { sum } = this.sums.get(subtreeKey(subtree))!;
    const end = Math.min(subtree.first + subtree.count, this.leafCount);
    const range = Array.from({ length: end - subtree.first }, (_, i) => this.figures.get(subtree.first + i)!);
    const computeSeconds = sum.seconds;
    sum.seconds = 0;
    return {
      lossSums: range.map(({ lossSum }) => lossSum),
      captionTokens: range.map(({ captionTokens }) => captionTokens),
      captions: range.reduce((total, { captions }) => total + captions, 0),
      samples: range.flatMap(({ samples }) => [...samples]),
      computeSeconds,
      inputSeconds: computeSeconds && range.reduce((total, { inputSeconds }) => total + inputSeconds, 0),
      notFinite: !sum.finite,
    };
  }

  /** The step is over. */
  drop(): void {
    const used = Math.max(1, this.sums.size);
    for (const { sum } of this.sums.values()) this.buffers.give(sum.memory);
    this.buffers.trim(used);
    this.sums.clear();
    this.figures.clear();
    this.step = 0;
  }

  /** At the tree's ragged edge a subtree is the same as its first half. */
  private trimmed({ first, count }: Subtree): Subtree {
    while (count > 1 && first + count / 2 >= this.leafCount) count /= 2;
    return { first, count };
  }

  /** Whether the sum of a smaller subtree in it is held. */
  private hasPartOf({ first, count }: Subtree): boolean {
    return [...this.sums.values()].some(
      ({ subtree }) => subtree.count < count && subtree.first >= first && subtree.first < first + count,
    );
  }

  private async compute(
    subtree: Subtree,
    compute: (microbatch: number) => Promise<MicrobatchGradient>,
  ): Promise<HeldSum> {
    const started = performance.now();
    const tensors = await subtreeGradient(
      subtree,
      this.leafCount,
      compute,
      (microbatch, sums) => this.figures.set(microbatch, sums),
      async (part, tensors) => {
        const { seconds } = this.figures.get(part.first)!;
        await this.hold(part, tensors, () => seconds * part.count);
      },
    );
    return this.hold(subtree, tensors, () => (performance.now() - started) / 1000);
  }

  private async computeIsland(
    subtree: Subtree,
    compute: (leaf: number, into: Float32Array) => Promise<MicrobatchSums>,
  ): Promise<HeldSum> {
    const started = performance.now();
    const memory = await this.buffers.take();
    try {
      const figures = await compute(subtree.first, memory.floats());
      this.figures.set(subtree.first, figures);
      return await this.holdWritten(subtree, memory, () => (performance.now() - started) / 1000);
    } catch (error) {
      this.buffers.give(memory);
      throw error;
    }
  }

  private async hold(subtree: Subtree, tensors: tf.Tensor[], seconds: () => number): Promise<HeldSum> {
    const memory = await this.buffers.take();
    copyOut(tensors, memory.floats());
    tf.dispose(tensors);
    return this.holdWritten(subtree, memory, seconds);
  }

  private async holdWritten(subtree: Subtree, memory: SharedMemory, seconds: () => number): Promise<HeldSum> {
    const { finite } = await lookAtValues(memory.floats());
    return this.keep(subtree, { memory, finite, seconds: seconds() });
  }

  private async merge(subtree: Subtree, left: Subtree, right: Subtree): Promise<HeldSum> {
    const [a, b] = [left, right].map((half) => this.sums.get(subtreeKey(half))!.sum) as [HeldSum, HeldSum];
    const into = a.memory.view();
    const parts = [into, b.memory.view()];
    const { finite } = await sumParts({ parts, order: Int16Array.of(0, 1, -1), format: 'float32', into });
    for (const half of [left, right]) this.sums.delete(subtreeKey(half));
    this.buffers.give(b.memory);
    const seconds = a.seconds && b.seconds && a.seconds + b.seconds;
    return this.keep(subtree, { memory: a.memory, finite, seconds });
  }

  private keep(subtree: Subtree, sum: HeldSum): HeldSum {
    this.sums.set(subtreeKey(subtree), { subtree, sum });
    return sum;
  }
}
