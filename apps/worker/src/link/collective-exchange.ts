import { lookAtValues, sumParts } from '@captrain/engine/sums';
import { type ReductionSeen, type SubtreeSum, inChunks, sumOrder } from '@captrain/exchange';
import type { Exchange, Plan } from '@captrain/protos';
import { faultPoint } from '@captrain/runtime';
import { Expected } from './expected.js';
import type { SummingProcess } from './summing-process.js';

export interface CollectiveExchangeOptions {
  /** None where this worker is alone. */
  readonly process: SummingProcess | undefined;
  /** Where the global sum is put together. */
  readonly result: Float32Array;
  /** Of a piece of a sum; who stands still is noticed so. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

/**
 * One plan's sum among the processes of a group: this worker adds up what it has in the result's memory, and its process
 * puts everyone's sum in its place. The order of these additions depends on the number of workers.
 */
export class CollectiveExchange {
  private readonly began = new Expected<Exchange>();

  constructor(
    private readonly plan: Plan,
    private readonly options: CollectiveExchangeOptions,
  ) {}

  /** All that the plan asks for is computed, and every process is there. */
  begin(exchange: Exchange): void {
    this.began.fulfil(exchange);
  }

  /** Takes part. Rejects where that failed; by then nothing is written any more. */
  async run(sums: readonly SubtreeSum[]): Promise<ReductionSeen> {
    const { process, result, signal } = this.options;
    const order = this.orderOf(sums);
    let finite = true;
    await this.inChunks(async (chunk) => {
      const own = result.subarray(chunk.first, chunk.end);
      const parts = sums.map(({ values }) => values.subarray(chunk.first, chunk.end));
      if (parts.length === 0) own.fill(0);
      else {
        const seen = await sumParts({ parts, order, format: 'float32', values: own });
        finite &&= seen.finite;
      }
    });
    if (process !== undefined) {
      const { addresses, rank } = await this.began.within(signal);
      await this.sum(process, { addresses, rank });
      finite = await this.isFinite();
    }
    return { finite, bytesSent: 0, bytesReceived: 0 };
  }

  /** Alone, a worker adds up as everyone does; of a part of the tree, from the first subtree to the last. */
  private orderOf(sums: readonly SubtreeSum[]): Int16Array {
    const { contributions, leaves } = this.plan;
    const subtrees = sums.map(({ subtree }) => subtree);
    return contributions.length === 1 ? sumOrder(subtrees, leaves) : oneByOne(sums.length);
  }

  private async sum(process: SummingProcess, member: { addresses: string[]; rank: number }): Promise<void> {
    const { signal, timeoutSeconds } = this.options;
    const { step } = this.plan;
    const end = () => void process.end();
    signal.addEventListener('abort', end);
    try {
      const summed = process.sum(member, timeoutSeconds);
      faultPoint('mid-upload', step);
      await summed;
      faultPoint('after-last-chunk', step);
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  private async isFinite(): Promise<boolean> {
    const { result } = this.options;
    let finite = true;
    await this.inChunks(async (chunk) => {
      const seen = await lookAtValues(result.subarray(chunk.first, chunk.end));
      finite &&= seen.finite;
    });
    return finite;
  }

  private inChunks(work: Parameters<typeof inChunks>[2]): Promise<void> {
    const { result, signal } = this.options;
    return inChunks({ first: 0, end: result.length }, signal, work);
  }
}

/** Adds up so many parts from the first to the last. */
function oneByOne(parts: number): Int16Array {
  return Int16Array.from(Array.from({ length: parts }, (_, part) => (part === 0 ? [0] : [part, -1])).flat());
}
