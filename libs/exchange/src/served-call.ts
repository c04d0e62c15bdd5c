import type { ServerHttp2Stream } from 'node:http2';
import type { Writable } from 'node:stream';
import { Metadata, status } from '@grpc/grpc-js';
import type { ChunkMessage } from '@captrain/protos';
import { ChunkReader } from './chunk-reader.js';
import type { MessagePool } from './message-pool.js';
import { sendFramed } from './send-framed.js';

/** What grpc-js hands to the handler of a Reduce call. */
export type ReduceCall = Writable & { sendMetadata(metadata: Metadata): void };

/**
 * The server's end of a Reduce call. grpc-js routes it and ends it; its messages go past grpc-js, straight to and from
 * the HTTP/2 stream: grpc-js copies each of them into new memory, both ways, which costs more than the network.
 */
export class ServedCall {
  readonly chunks: ChunkReader;
  private readonly stream: ServerHttp2Stream;

  constructor(
    private readonly call: ReduceCall,
    pool: MessagePool,
  ) {
    // Private in grpc-js 1.14 (ServerDuplexStreamImpl, BaseServerInterceptingCall), and read from by nobody yet.
    this.stream = (call as unknown as { call: { stream: ServerHttp2Stream } }).call.stream;
    this.stream.removeAllListeners('data').removeAllListeners('end');
    this.chunks = new ChunkReader(this.stream, pool);
  }

  /** True where the caller has gone or the call was ended here. */
  get isOver(): boolean {
    return this.stream.closed || this.stream.destroyed || this.call.writableEnded;
  }

  /** Resolves when the message's memory may be used again; never where the call ends before. */
  async send(message: ChunkMessage): Promise<void> {
    if (!this.stream.headersSent) this.call.sendMetadata(new Metadata());
    await sendFramed(this.stream, message);
  }

  /** Ends the call well. What the caller may still send is thrown away. */
  end(): void {
    if (this.isOver) return;
    this.call.end();
    this.stream.resume();
  }

  /** Ends the call with FAILED_PRECONDITION and this sentence. */
  refuse(reason: string): void {
    if (this.isOver) return;
    this.call.emit('error', { code: status.FAILED_PRECONDITION, details: reason });
    this.stream.resume();
  }
}
