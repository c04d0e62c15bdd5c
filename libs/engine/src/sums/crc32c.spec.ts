import { expect, test } from 'vitest';
import { crc32c } from './crc32c.js';
import { seeded } from './testing.js';

test.each([
  // RFC 3720, B.4, and the usual check value.
  ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
  ['32 bytes of ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['0, 1 … 31', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
  ['31, 30 … 0', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
  ['123456789', Buffer.from('123456789'), 0xe3069283],
  ['nothing', Buffer.alloc(0), 0],
])('is that of the standard for %s', (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
});

test('is that of bit by bit division, for all lengths around those at which lanes are joined', () => {
  const random = seeded(5);
  const bytes = Uint8Array.from({ length: 20_000 }, () => random() * 256);
  for (const length of [1, 7, 8, 9, 4079, 4080, 4081, 4088, 8159, 8160, 8161, 12_345, 19_997]) {
    for (const first of [0, 1, 3]) {
      const part = bytes.subarray(first, first + length);
      expect(crc32c(part), `${length} bytes from ${first}`).toBe(byDivision(part));
    }
  }
});

function byDivision(bytes: Uint8Array): number {
  let state = ~0;
  for (const byte of bytes) {
    state ^= byte;
    for (let bit = 0; bit < 8; bit++) state = (state >>> 1) ^ (state & 1 ? 0x82f63b78 : 0);
  }
  return ~state >>> 0;
}
