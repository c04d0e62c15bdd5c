import { type Http2Stream, constants } from 'node:http2';
import { FRAME_PREFIX_BYTES, type GradientChunk, decodeGradientChunk } from '@captrain/protos';
import { MAX_MESSAGE_BYTES, type MessagePool } from './message-pool.js';

/** A chunk whose values lie in pooled memory. */
export interface ReceivedChunk extends GradientChunk {
  /** To be called once the values are no longer read. */
  release(): void;
}

/**
 * Reads the chunks of an HTTP/2 stream in gRPC's framing, each into memory of the pool. grpc-js would join every message
 * in new memory, and hold 16 of them ready; here one waits while the next arrives, and the sender is held back by flow
 * control.
 */
export class ChunkReader {
  private readonly prefix = Buffer.alloc(FRAME_PREFIX_BYTES);
  private prefixBytes = 0;
  private message: Buffer | undefined;
  private messageBytes = 0;
  /** One, or a few where they are so short that they come together. */
  private readonly ready: ReceivedChunk[] = [];
  private state: 'open' | 'garbage' | 'ended' | 'broken' = 'open';
  private waiting: (() => void) | undefined;

  constructor(
    private readonly stream: Http2Stream,
    private readonly pool: MessagePool,
  ) {
    stream.on('data', (data: Buffer) => this.receive(data));
    // A stream that was reset ends as well.
    const isWhole = () =>
      !stream.aborted && (stream.rstCode ?? constants.NGHTTP2_NO_ERROR) === constants.NGHTTP2_NO_ERROR;
    stream.on('end', () => this.leave(isWhole() ? 'ended' : 'broken'));
    stream.on('close', () => this.leave('broken'));
  }

  /**
   * The next chunk; undefined where the sender has ended. Bytes that are none give one that belongs to no sum. Throws
   * where the call has broken off. To be called one at a time.
   */
  async next(): Promise<ReceivedChunk | undefined> {
    while (this.ready.length === 0) {
      if (this.state === 'ended') return undefined;
      if (this.state === 'broken') throw new Error('the call has broken off');
      if (this.state === 'garbage') return NO_CHUNK;
      this.stream.resume();
      await new Promise<void>((resolve) => (this.waiting = resolve));
    }
    const chunk = this.ready.shift();
    if (this.ready.length === 0) this.stream.resume();
    return chunk;
  }

  private receive(data: Buffer): void {
    let at = 0;
    while (at < data.length && this.state === 'open') {
      at += this.message === undefined ? this.fillPrefix(data, at) : this.fillMessage(this.message, data, at);
    }
  }

  private fillPrefix(data: Buffer, at: number): number {
    const count = data.copy(this.prefix, this.prefixBytes, at);
    this.prefixBytes += count;
    if (this.prefixBytes < FRAME_PREFIX_BYTES) return count;
    const length = this.prefix.readUint32BE(1);
    if (this.prefix[0] !== 0 || length > MAX_MESSAGE_BYTES) this.leave('garbage');
    else {
      this.message = this.pool.takeRoom(length);
      this.messageBytes = 0;
      if (length === 0) this.complete(this.message);
    }
    return count;
  }

  private fillMessage(message: Buffer, data: Buffer, at: number): number {
    const count = data.copy(message, this.messageBytes, at);
    this.messageBytes += count;
    if (this.messageBytes === message.length) this.complete(message);
    return count;
  }

  private complete(message: Buffer): void {
    this.message = undefined;
    this.prefixBytes = 0;
    try {
      this.ready.push({ ...decodeGradientChunk(message), release: () => this.pool.giveRoom(message) });
    } catch {
      this.leave('garbage');
      return;
    }
    if (this.waiting === undefined) this.stream.pause();
    this.wake();
  }

  private leave(state: 'garbage' | 'ended' | 'broken'): void {
    if (this.state === 'ended') return;
    this.state = state;
    this.wake();
  }

  private wake(): void {
    this.waiting?.();
    this.waiting = undefined;
  }
}

const NO_CHUNK: ReceivedChunk = { ...decodeGradientChunk(Buffer.alloc(0)), release: () => {} };
