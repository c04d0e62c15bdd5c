import { CHUNK_BYTES } from '@captrain/protos';
import { expect, it } from 'vitest';
import { MessagePool } from './message-pool.js';

it('uses the room of a received chunk again, whatever the length of its header', () => {
  const pool = new MessagePool();
  const first = pool.takeRoom(CHUNK_BYTES + 64);
  expect(first.length).toBe(CHUNK_BYTES + 64);
  expect(pool.takeRoom(CHUNK_BYTES + 64).buffer).not.toBe(first.buffer);
  pool.giveRoom(first);
  expect(pool.takeRoom(CHUNK_BYTES + 60).buffer).toBe(first.buffer);
  pool.giveRoom(pool.takeRoom(100));
  expect(pool.takeRoom(100).length).toBe(100);
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
