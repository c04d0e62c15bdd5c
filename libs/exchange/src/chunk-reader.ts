import { FRAME_PREFIX_BYTES, type GradientChunk, decodeGradientChunk } from '@captrain/protos';
import type { CallStream, Sink } from './http2/call-stream.js';
import { MAX_MESSAGE_BYTES, type MessagePool, type RoomHolder } from './message-pool.js';

/** A chunk whose values lie in pooled memory. */
export interface ReceivedChunk extends GradientChunk {
  /** To be called once the values are no longer read. */
  release(): void;
}

/** What a call receives. */
export interface ChunkSource {
  /**
   * The next chunk; undefined where the sender has ended. Bytes that are none give one that belongs to no sum. Throws
   * where the call has broken off. To be called one at a time.
   */
  next(): Promise<ReceivedChunk | undefined>;
}

/** Whole chunks that wait to be read, while one more arrives. */
const READY = 1;

/**
 * Reads the chunks of a call in gRPC's framing, each into memory of the pool: the network writes most of their bytes there
 * itself. What it has no memory for stays in the stream, and the sender is held back by flow control.
 */
export class ChunkReader implements ChunkSource, Sink, RoomHolder {
  private readonly prefix = Buffer.alloc(FRAME_PREFIX_BYTES);
  private prefixBytes = 0;
  private message: Buffer | undefined;
  private messageBytes = 0;
  private readonly ready: ReceivedChunk[] = [];
  private state: 'open' | 'garbage' | 'ended' | 'broken' = 'open';
  private waiting: (() => void) | undefined;
  rooms = 0;

  constructor(
    private readonly stream: CallStream,
    private readonly pool: MessagePool,
  ) {
    stream.readWith(this);
  }

  async next(): Promise<ReceivedChunk | undefined> {
    while (this.ready.length === 0) {
      if (this.state === 'ended') return undefined;
      if (this.state === 'broken') throw new Error('the call has broken off');
      if (this.state === 'garbage') return NO_CHUNK;
      await new Promise<void>((resolve) => (this.waiting = resolve));
    }
    const chunk = this.ready.shift();
    this.stream.drain();
    return chunk;
  }

  roomAgain(): void {
    this.stream.drain();
  }

  place(most: number): Buffer | undefined {
    return this.message?.subarray(this.messageBytes, this.messageBytes + most);
  }

  placed(count: number): void {
    this.messageBytes += count;
    if (this.messageBytes === this.message!.length) this.complete(this.message!);
  }

  receive(data: Buffer): number {
    let at = 0;
    while (this.state === 'open') {
      if (this.isPrefixWhole && !this.beginMessage()) return at;
      if (at === data.length) return at;
      at += this.message === undefined ? this.fillPrefix(data, at) : this.fillMessage(this.message, data, at);
    }
    return data.length;
  }

  finish(how: 'ended' | 'broken'): void {
    const isCut = this.message !== undefined || this.prefixBytes > 0;
    this.leave(how === 'ended' && isCut ? 'broken' : how);
  }

  private get isPrefixWhole(): boolean {
    return this.message === undefined && this.prefixBytes === FRAME_PREFIX_BYTES;
  }

  private fillPrefix(data: Buffer, at: number): number {
    const count = data.copy(this.prefix, this.prefixBytes, at);
    this.prefixBytes += count;
    return count;
  }

  /** False where it has to wait. */
  private beginMessage(): boolean {
    const length = this.prefix.readUint32BE(1);
    if (this.prefix[0] !== 0 || length > MAX_MESSAGE_BYTES) this.leave('garbage');
    else {
      const message = this.ready.length > READY ? undefined : this.pool.takeRoom(length, this);
      if (message === undefined) return false;
      this.message = message;
      this.messageBytes = 0;
      if (length === 0) this.complete(message);
    }
    return true;
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
      this.ready.push({ ...decodeGradientChunk(message), release: () => this.pool.giveRoom(message, this) });
    } catch {
      this.leave('garbage');
    }
    this.wake();
  }

  private leave(state: 'garbage' | 'ended' | 'broken'): void {
    if (this.state === 'ended' || this.state === 'broken') return;
    this.state = state;
    this.message = undefined;
    if (state !== 'garbage') this.pool.leave(this);
    this.wake();
  }

  private wake(): void {
    this.waiting?.();
    this.waiting = undefined;
  }
}

const NO_CHUNK: ReceivedChunk = { ...decodeGradientChunk(Buffer.alloc(0)), release: () => {} };
