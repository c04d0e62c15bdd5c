import { FRAME_PREFIX_BYTES, type GradientChunk, decodeGradientChunk } from '@captrain/protos';
import type { CallStream, Sink } from './http2/call-stream.js';
import { HEADER_BYTES, MAX_MESSAGE_BYTES, type MessagePool } from './message-pool.js';

/** A chunk whose values lie in pooled memory. */
export interface ReceivedChunk extends GradientChunk {
  /** To be called once the values are no longer read. */
  release(): void;
}

/** What a call receives. */
export interface ChunkSource {
  /**
   * So many bytes of values a chunk has: one may come while another waits to be read. Before that is said, no more than
   * HTTP/2's 64 KiB.
   */
  expect(chunkBytes: number): void;
  /**
   * The next chunk; undefined where the sender has ended. Bytes that are none give one that belongs to no sum. Throws
   * where the call has broken off. To be called one at a time.
   */
  next(): Promise<ReceivedChunk | undefined>;
}

const CHUNKS_AHEAD = 2;
/** Nobody sends so many chunks that all are so short. */
const MOST_READY = 1024;

/**
 * Reads the chunks of a call in gRPC's framing, each into memory of the pool: the network writes most of their bytes there
 * itself. The sender may send as much as there is memory for, and hears of more when a chunk is taken from here.
 */
export class ChunkReader implements ChunkSource, Sink {
  private readonly prefix = Buffer.alloc(FRAME_PREFIX_BYTES);
  private prefixBytes = 0;
  private message: Buffer | undefined;
  private messageBytes = 0;
  private readonly ready: { chunk: ReceivedChunk; bytes: number }[] = [];
  private state: 'open' | 'garbage' | 'ended' | 'broken' = 'open';
  private waiting: (() => void) | undefined;

  constructor(
    private readonly stream: CallStream,
    private readonly pool: MessagePool,
  ) {
    stream.readWith(this);
  }

  expect(chunkBytes: number): void {
    this.stream.allow(CHUNKS_AHEAD * (chunkBytes + HEADER_BYTES));
  }

  async next(): Promise<ReceivedChunk | undefined> {
    while (this.ready.length === 0) {
      if (this.state === 'ended') return undefined;
      if (this.state === 'broken') throw new Error('the call has broken off');
      if (this.state === 'garbage') return NO_CHUNK;
      await new Promise<void>((resolve) => (this.waiting = resolve));
    }
    const { chunk, bytes } = this.ready.shift()!;
    this.stream.allow(bytes);
    return chunk;
  }

  place(most: number): Buffer | undefined {
    return this.message?.subarray(this.messageBytes, this.messageBytes + most);
  }

  placed(count: number): void {
    const message = this.message!;
    this.messageBytes += count;
    if (this.messageBytes === message.length) this.complete(message);
  }

  receive(data: Buffer): void {
    for (let at = 0; at < data.length && this.state === 'open';) {
      at += this.message === undefined ? this.fillPrefix(data, at) : this.fillMessage(this.message, data, at);
    }
  }

  finish(how: 'ended' | 'broken'): void {
    const isCut = this.message !== undefined || this.prefixBytes > 0;
    this.leave(how === 'ended' && isCut ? 'broken' : how);
  }

  private fillPrefix(data: Buffer, at: number): number {
    const count = data.copy(this.prefix, this.prefixBytes, at);
    this.prefixBytes += count;
    if (this.prefixBytes === FRAME_PREFIX_BYTES) this.beginMessage();
    return count;
  }

  private beginMessage(): void {
    const length = this.prefix.readUint32BE(1);
    if (this.prefix[0] !== 0 || length > MAX_MESSAGE_BYTES) return this.leave('garbage');
    this.message = this.pool.takeRoom(length);
    this.messageBytes = 0;
    if (length === 0) this.complete(this.message);
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
      const chunk = { ...decodeGradientChunk(message), release: () => this.pool.giveRoom(message) };
      this.ready.push({ chunk, bytes: FRAME_PREFIX_BYTES + message.length });
    } catch {
      this.leave('garbage');
    }
    if (this.ready.length > MOST_READY) this.leave('garbage');
    this.wake();
  }

  private leave(state: 'garbage' | 'ended' | 'broken'): void {
    if (this.state === 'ended' || this.state === 'broken') return;
    this.state = state;
    this.message = undefined;
    this.wake();
  }

  private wake(): void {
    this.waiting?.();
    this.waiting = undefined;
  }
}

const NO_CHUNK: ReceivedChunk = { ...decodeGradientChunk(Buffer.alloc(0)), release: () => {} };
