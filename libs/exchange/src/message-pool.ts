import { CHUNK_BYTES, ChunkMessage } from '@captrain/protos';
import { LEAST_CHUNK_BYTES } from './chunk-range.js';

/** A chunk's header is 64 bytes as written here; others may write it longer. */
const HEADER_BYTES = 256;
export const MAX_MESSAGE_BYTES = CHUNK_BYTES + HEADER_BYTES;

/** One who receives messages, as the pool sees it. */
export interface RoomHolder {
  /** Rooms that it holds. */
  rooms: number;
  /** There may be room now, where there was none. */
  roomAgain(): void;
}

/**
 * Memory of messages, used again and again: at 4 MiB each, allocating them would keep the garbage collector busier than
 * everything else. What is never given back is collected.
 *
 * Who receives messages always gets room for one; more than that all share, so that memory does not grow by the chunks in
 * flight of each of them.
 */
export class MessagePool {
  /** By their length. */
  private readonly messages = new Map<number, ChunkMessage[]>();
  private readonly rooms = new Map<number, Buffer[]>();
  private readonly waiting = new Set<RoomHolder>();

  /** Rooms for messages beyond everyone's first: as many as there may be, and as many as are taken. */
  private mostShared = Infinity;
  private shared = 0;

  /** Sets how many rooms those who receive share beyond everyone's first. */
  share(rooms: number): void {
    this.mostShared = rooms;
    this.shareAgain(0);
  }

  /** A message to be sent, with room for so many bytes of values. */
  take(bytes: number): ChunkMessage {
    return this.messages.get(bytes)?.pop() ?? new ChunkMessage(Buffer.allocUnsafeSlow(bytes));
  }

  /** To be called once nothing reads it any more. */
  give(message: ChunkMessage): void {
    const { length } = message.values;
    if (isKept(length)) keep(this.messages, length, message);
  }

  /**
   * Room for a message of this length that is being received; at most MAX_MESSAGE_BYTES. Undefined where there is none:
   * the holder hears when there may be.
   */
  takeRoom(length: number, holder: RoomHolder): Buffer | undefined {
    if (holder.rooms > 0) {
      if (this.shared >= this.mostShared) {
        this.waiting.add(holder);
        return undefined;
      }
      this.shared++;
    }
    holder.rooms++;
    const bytes = roomBytes(length);
    return (this.rooms.get(bytes)?.pop() ?? Buffer.allocUnsafeSlow(bytes)).subarray(0, length);
  }

  /** To be called once nothing reads the message any more. */
  giveRoom(room: Buffer, holder: RoomHolder): void {
    const { byteLength } = room.buffer;
    if (isKept(byteLength - HEADER_BYTES)) keep(this.rooms, byteLength, Buffer.from(room.buffer));
    if (holder.rooms === 0) return;
    holder.rooms--;
    // Its first one was nobody else's; but it may be waiting for that itself.
    this.shareAgain(holder.rooms > 0 ? 1 : 0);
  }

  /** The holder receives nothing any more: what it holds, others may have instead, whether it is given back or not. */
  leave(holder: RoomHolder): void {
    this.waiting.delete(holder);
    this.shareAgain(Math.max(0, holder.rooms - 1));
    holder.rooms = 0;
  }

  private shareAgain(rooms: number): void {
    this.shared -= rooms;
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const holder of waiting) holder.roomAgain();
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
