import type { ChunkMessage } from '@captrain/protos';
import type { Taker } from './participant.js';
import type { ServedCall } from './served-call.js';

/** A call that receives the sum. */
export class TakingCall implements Taker {
  private sending = 0;

  constructor(
    readonly worker: number,
    private readonly call: ServedCall,
  ) {}

  get isAwaited(): boolean {
    return this.sending > 0;
  }

  async take(sum: ChunkMessage): Promise<void> {
    this.sending++;
    await this.call.send(sum);
    this.sending--;
  }

  complete(): void {
    this.call.end();
  }

  async breakOff(reason: string): Promise<void> {
    this.call.refuse(reason);
  }
}
