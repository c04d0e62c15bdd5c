import { status } from '@grpc/grpc-js';
import type { ChunkMessage } from '@captrain/protos';
import { ChunkReader, type ChunkSource } from './chunk-reader.js';
import type { CallStream } from './http2/call-stream.js';
import type { MessagePool } from './message-pool.js';
import { sendMessage } from './send-message.js';

/** The server's end of a Reduce call. */
export interface ServedCall {
  /** True where the caller has gone or the call was ended here. */
  readonly isOver: boolean;
  /** What it receives, in memory of the pool. To be called once. */
  receive(pool: MessagePool): ChunkSource;
  /** Resolves when the message's memory may be used again; never where the call ends before. */
  send(message: ChunkMessage): Promise<void>;
  /** Ends the call well. What the caller may still send is thrown away. */
  end(): void;
  /** Ends the call with FAILED_PRECONDITION and this sentence. */
  refuse(reason: string): void;
}

/** A captrain's call: its bytes go from the network to where they are summed, and from there to the network. */
export class WorkersCall implements ServedCall {
  private hasResponded = false;

  constructor(private readonly stream: CallStream) {}

  get isOver(): boolean {
    return this.stream.isClosed;
  }

  receive(pool: MessagePool): ChunkSource {
    return new ChunkReader(this.stream, pool);
  }

  send(message: ChunkMessage): Promise<void> {
    if (!this.hasResponded) this.stream.sendHeaders(RESPONSE);
    this.hasResponded = true;
    return sendMessage(this.stream, message);
  }

  end(): void {
    this.finish([['grpc-status', String(status.OK)]]);
  }

  refuse(reason: string): void {
    this.fail(status.FAILED_PRECONDITION, reason);
  }

  /** Ends the call with another status. */
  fail(code: status, details: string): void {
    if (this.isOver) return;
    this.stream.dropQueue();
    this.finish([
      ['grpc-status', String(code)],
      ['grpc-message', encodeURIComponent(details)],
    ]);
  }

  private finish(trailers: readonly (readonly [string, string])[]): void {
    this.stream.sendHeaders([...(this.hasResponded ? [] : RESPONSE), ...trailers], true);
  }
}

const RESPONSE = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
] as const;
