import { CHUNK_BYTES } from '@captrain/protos';
import { expect, it } from 'vitest';
import { MessagePool } from './message-pool.js';

class Holder {
  rooms = 0;
  heard = 0;
  roomAgain(): void {
    this.heard++;
  }
}

it('has room for one message of everyone, and some that all share', () => {
  const pool = new MessagePool();
  pool.share(1);
  const [a, b] = [new Holder(), new Holder()];
  const first = pool.takeRoom(CHUNK_BYTES + 64, a)!;
  expect(first.length).toBe(CHUNK_BYTES + 64);
  const second = pool.takeRoom(100, a)!;
  expect(pool.takeRoom(100, a)).toBeUndefined();
  expect(pool.takeRoom(100, b)).toBeDefined();
  expect(pool.takeRoom(100, b)).toBeUndefined();
  pool.giveRoom(second, a);
  expect([a.heard, b.heard]).toEqual([1, 1]);
  expect(pool.takeRoom(100, b)).toBeDefined();
  expect(pool.takeRoom(100, a)).toBeUndefined();
  // Its first one is its own again, though all that is shared is taken.
  pool.giveRoom(first, a);
  expect(a.heard).toBe(2);
  const again = pool.takeRoom(CHUNK_BYTES + 60, a)!;
  expect(again.buffer).toBe(first.buffer);
});

it('lets others have what one held who has gone, and counts nothing twice', () => {
  const pool = new MessagePool();
  pool.share(2);
  const [a, b] = [new Holder(), new Holder()];
  const held = [1, 2, 3].map(() => pool.takeRoom(100, a)!);
  pool.takeRoom(100, b);
  expect(pool.takeRoom(100, b)).toBeUndefined();
  pool.leave(a);
  expect(b.heard).toBe(1);
  for (const room of held) pool.giveRoom(room, a);
  expect([1, 2, 3].map(() => pool.takeRoom(100, b) !== undefined)).toEqual([true, true, false]);
});

it('keeps memory of whole chunks alone', () => {
  const pool = new MessagePool();
  for (const [bytes, isKept] of [
    [CHUNK_BYTES, true],
    [CHUNK_BYTES / 4, true],
    [CHUNK_BYTES - 4, false],
    [1024, false],
  ] as const) {
    const message = pool.take(bytes);
    pool.give(message);
    expect(pool.take(bytes) === message, `${bytes} bytes`).toBe(isKept);
  }
});
