import type { ChunkMessage } from '@captrain/protos';
import { type ReduceCall, never, refuseCall, sendChunk } from './call-streams.js';
import type { Taker } from './participant.js';

/** A call that receives the sum. */
export class TakingCall implements Taker {
  private sending = 0;

  constructor(
    readonly worker: number,
    private readonly call: ReduceCall,
  ) {}

  get isAwaited(): boolean {
    return this.sending > 0;
  }

  async take(sum: ChunkMessage): Promise<void> {
    if (this.call.writableEnded) return never();
    this.sending++;
    await sendChunk(this.call, sum);
    this.sending--;
  }

  complete(): void {
    this.call.end();
  }

  async breakOff(reason: string): Promise<void> {
    refuseCall(this.call, reason);
  }
}
