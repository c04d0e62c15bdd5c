import { CHUNK_BYTES, ChunkMessage } from '@captrain/protos';

/** Messages of whole chunks, used again and again: 4 MiB each are too much to allocate every time. */
export class MessagePool {
  private readonly free: ChunkMessage[] = [];

  /** One with room for so many bytes of values. */
  take(bytes: number): ChunkMessage {
    return (bytes === CHUNK_BYTES ? this.free.pop() : undefined) ?? new ChunkMessage(bytes);
  }

  /** To be called once nothing reads it any more. */
  give(message: ChunkMessage): void {
    if (message.values.length === CHUNK_BYTES) this.free.push(message);
  }
}
