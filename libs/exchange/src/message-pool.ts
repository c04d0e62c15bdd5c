import { CHUNK_BYTES, ChunkMessage } from '@captrain/protos';

/** A chunk's header is 64 bytes as written here; others may write it longer. */
export const MAX_MESSAGE_BYTES = CHUNK_BYTES + 256;

/**
 * Memory of messages, used again and again: at 4 MiB each, allocating them would keep the garbage collector busier than
 * everything else. What is never given back is collected.
 */
export class MessagePool {
  private readonly messages: ChunkMessage[] = [];
  private readonly rooms: Buffer[] = [];

  /** A message to be sent, with room for so many bytes of values. */
  take(bytes: number): ChunkMessage {
    return (
      (bytes === CHUNK_BYTES ? this.messages.pop() : undefined) ??
      new ChunkMessage(Buffer.allocUnsafeSlow(bytes))
    );
  }

  /** To be called once nothing reads it any more. */
  give(message: ChunkMessage): void {
    if (message.values.length === CHUNK_BYTES) this.messages.push(message);
  }

  /** Room for a message of this length that is being received; at most MAX_MESSAGE_BYTES. */
  takeRoom(length: number): Buffer {
    if (length < CHUNK_BYTES) return Buffer.allocUnsafeSlow(length);
    return (this.rooms.pop() ?? Buffer.allocUnsafeSlow(MAX_MESSAGE_BYTES)).subarray(0, length);
  }

  giveRoom(room: Buffer): void {
    if (room.buffer.byteLength === MAX_MESSAGE_BYTES) this.rooms.push(Buffer.from(room.buffer));
  }
}
