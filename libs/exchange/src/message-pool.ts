import { CHUNK_BYTES, ChunkMessage } from '@captrain/protos';
import { LEAST_CHUNK_BYTES } from './chunk-range.js';

/** A chunk's header is 64 bytes as written here; others may write it longer. */
export const HEADER_BYTES = 256;
export const MAX_MESSAGE_BYTES = CHUNK_BYTES + HEADER_BYTES;

/**
 * Memory of messages, used again and again: at 4 MiB each, allocating them would keep the garbage collector busier than
 * everything else. What is never given back is collected.
 */
export class MessagePool {
  /** By their length. */
  private readonly messages = new Map<number, ChunkMessage[]>();
  private readonly rooms = new Map<number, Buffer[]>();

  /** A message to be sent, with room for so many bytes of values. */
  take(bytes: number): ChunkMessage {
    return this.messages.get(bytes)?.pop() ?? new ChunkMessage(Buffer.allocUnsafeSlow(bytes));
  }

  /** To be called once nothing reads it any more. */
  give(message: ChunkMessage): void {
    const { length } = message.values;
    if (isKept(length)) keep(this.messages, length, message);
  }

  /** Room for a message of this length that is being received; at most MAX_MESSAGE_BYTES. */
  takeRoom(length: number): Buffer {
    const bytes = roomBytes(length);
    return (this.rooms.get(bytes)?.pop() ?? Buffer.allocUnsafeSlow(bytes)).subarray(0, length);
  }

  /** To be called once nothing reads the message any more. */
  giveRoom(room: Buffer): void {
    const { byteLength } = room.buffer;
    if (isKept(byteLength - HEADER_BYTES)) keep(this.rooms, byteLength, Buffer.from(room.buffer));
  }
}

/** Whole chunks are of few lengths, all powers of two. */
function isKept(bytes: number): boolean {
  return bytes >= LEAST_CHUNK_BYTES && Number.isInteger(Math.log2(bytes));
}

/** Room for a message of any chunk's length serves all of that length, whatever their headers take. */
function roomBytes(length: number): number {
  const values = 2 ** Math.floor(Math.log2(Math.max(1, length)));
  return isKept(values) && length - values <= HEADER_BYTES ? values + HEADER_BYTES : length;
}

function keep<Memory>(kept: Map<number, Memory[]>, bytes: number, memory: Memory): void {
  const same = kept.get(bytes);
  if (same === undefined) kept.set(bytes, [memory]);
  else same.push(memory);
}
