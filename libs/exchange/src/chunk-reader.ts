import { type Http2Stream, constants } from 'node:http2';
import { FRAME_PREFIX_BYTES, type GradientChunk, decodeGradientChunk } from '@captrain/protos';
import { MAX_MESSAGE_BYTES, type MessagePool, type RoomHolder } from './message-pool.js';

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
export class ChunkReader implements RoomHolder {
  private readonly prefix = Buffer.alloc(FRAME_PREFIX_BYTES);
  private prefixBytes = 0;
  private message: Buffer | undefined;
  private messageBytes = 0;
  /** One, or a few where they are so short that they come together. */
  private readonly ready: ReceivedChunk[] = [];
  private state: 'open' | 'garbage' | 'ended' | 'broken' = 'open';
  private waiting: (() => void) | undefined;
  /** What has come and cannot be read: there is no room for the message. */
  private stalled: Buffer | undefined;
  /** The sender has ended well, and the last of it is stalled. */
  private hasEnded = false;
  rooms = 0;

  constructor(
    private readonly stream: Http2Stream,
    private readonly pool: MessagePool,
  ) {
    stream.on('data', (data: Buffer) => this.receive(data));
    // A stream that was reset ends as well.
    const isWhole = () =>
      !stream.aborted && (stream.rstCode ?? constants.NGHTTP2_NO_ERROR) === constants.NGHTTP2_NO_ERROR;
    stream.on('end', () => this.finish(isWhole() ? 'ended' : 'broken'));
    stream.on('close', () => this.finish('broken'));
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
      this.resume();
      await new Promise<void>((resolve) => (this.waiting = resolve));
    }
    const chunk = this.ready.shift();
    if (this.ready.length === 0) this.resume();
    return chunk;
  }

  roomAgain(): void {
    const { stalled } = this;
    if (stalled === undefined) return;
    this.stalled = undefined;
    this.receive(stalled);
    if (this.hasEnded && this.stalled === undefined) this.leave('ended');
    else if (this.ready.length === 0) this.resume();
  }

  private resume(): void {
    if (this.stalled === undefined) this.stream.resume();
  }

  private receive(data: Buffer): void {
    for (let at = 0; this.state === 'open';) {
      if (this.isPrefixWhole && !this.beginMessage()) {
        this.stalled = data.subarray(at);
        this.stream.pause();
        return;
      }
      if (at === data.length) return;
      at += this.message === undefined ? this.fillPrefix(data, at) : this.fillMessage(this.message, data, at);
    }
  }

  private get isPrefixWhole(): boolean {
    return this.message === undefined && this.prefixBytes === FRAME_PREFIX_BYTES;
  }

  private fillPrefix(data: Buffer, at: number): number {
    const count = data.copy(this.prefix, this.prefixBytes, at);
    this.prefixBytes += count;
    return count;
  }

  /** False where there is no room for it. */
  private beginMessage(): boolean {
    const length = this.prefix.readUint32BE(1);
    if (this.prefix[0] !== 0 || length > MAX_MESSAGE_BYTES) this.leave('garbage');
    else {
      const message = this.pool.takeRoom(length, this);
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
      return;
    }
    if (this.waiting === undefined) this.stream.pause();
    this.wake();
  }

  private finish(state: 'ended' | 'broken'): void {
    if (this.hasEnded) return;
    if (state === 'ended' && this.stalled !== undefined) this.hasEnded = true;
    else this.leave(state);
  }

  private leave(state: 'garbage' | 'ended' | 'broken'): void {
    if (this.state === 'ended') return;
    this.state = state;
    if (state !== 'garbage') this.pool.leave(this);
    this.wake();
  }

  private wake(): void {
    this.waiting?.();
    this.waiting = undefined;
  }
}

const NO_CHUNK: ReceivedChunk = { ...decodeGradientChunk(Buffer.alloc(0)), release: () => {} };
