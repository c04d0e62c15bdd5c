import { expect, test } from 'vitest';
import { decodeValues, encodeValues, lookAtValues } from './convert.js';
import { crc32c } from './crc32c.js';
import { bytesOf, encoded, randomParts, seeded } from './testing.js';

/** Float32 and bfloat16 of it, as bits. */
const halves: [string, number, number][] = [
  ['1', 0x3f800000, 0x3f80],
  ['a tie, to the even one below', 0x3f808000, 0x3f80],
  ['a tie, to the even one above', 0x3f818000, 0x3f82],
  ['a little more than a tie', 0x3f808001, 0x3f81],
  ['a little less than a tie', 0x3f817fff, 0x3f81],
  ['-0', 0x80000000, 0x8000],
  ['the smallest subnormal', 0x00000001, 0x0000],
  ['a subnormal', 0x80408000, 0x8040],
  ['infinity', 0x7f800000, 0x7f80],
  ['-infinity', 0xff800000, 0xff80],
  ['the largest, which rounds to infinity', 0x7f7fffff, 0x7f80],
  ['a quiet NaN', 0x7fc00000, 0x7fc0],
  ['a NaN whose bits are all low', 0x7f800001, 0x7fc0],
  ['a NaN of all ones', 0xffffffff, 0xffff],
];

test.each(halves)('bfloat16 of %s', async (_, bits, expected) => {
  const into = new Uint16Array(40);
  const values = new Float32Array(Uint32Array.from({ length: 40 }, () => bits).buffer);
  const seen = await encodeValues(values, 'bfloat16', new Uint8Array(into.buffer));
  expect(new Set(into)).toEqual(new Set([expected]));
  expect(seen).toEqual({
    finite: (expected & 0x7f80) !== 0x7f80,
    checksum: crc32c(new Uint8Array(into.buffer)),
  });
});

test.each(['float32', 'bfloat16'] as const)('values go behind a header as %s and back', async (format) => {
  const random = seeded(11);
  for (const length of [0, 1, 31, 2049, 10_007]) {
    const [values] = randomParts(1, length, random) as [Float32Array];
    const expected = encoded(values, format);
    const message = new Uint8Array(13 + expected.length + 1);
    const body = message.subarray(13, 13 + expected.length);
    const checksum = crc32c(expected);
    expect(await encodeValues(values, format, body)).toEqual({ finite: true, checksum });
    expect(Buffer.compare(body, expected)).toBe(0);
    expect(message.subarray(0, 13).every((byte) => byte === 0) && message.at(-1) === 0).toBe(true);

    const back = new Float32Array(length);
    expect(await decodeValues(body, format, back)).toEqual({ finite: true, checksum });
    expect(Buffer.compare(encoded(back, format), expected)).toBe(0);
    if (format === 'float32') expect(Buffer.compare(bytesOf(back), bytesOf(values))).toBe(0);
  }
});

test('values that travel as they are need not be written', async () => {
  for (const length of [0, 1, 2049, 10_007]) {
    const [values] = randomParts(1, length + 1, seeded(13)) as [Float32Array];
    const part = values.subarray(1);
    expect(await lookAtValues(part)).toEqual({ finite: true, checksum: crc32c(bytesOf(part)) });
  }
  expect(await lookAtValues(Float32Array.of(1, NaN))).toMatchObject({ finite: false });
});

test('values that are not finite are told of, wherever they stand', async () => {
  for (const format of ['float32', 'bfloat16'] as const) {
    for (const position of [0, 2048, 4999]) {
      const values = new Float32Array(5000).fill(1);
      values[position] = position === 0 ? -Infinity : NaN;
      const bytes = new Uint8Array(format === 'float32' ? 20_000 : 10_000);
      expect(await encodeValues(values, format, bytes)).toMatchObject({ finite: false });
      expect(await decodeValues(bytes, format, values)).toMatchObject({ finite: false });
      expect(values[position]).toBe(position === 0 ? -Infinity : NaN);
    }
  }
});

test('other lengths are refused at once', () => {
  expect(() => encodeValues(new Float32Array(2), 'float32', new Uint8Array(7))).toThrow(
    '7 bytes for 2 values as float32',
  );
  expect(() => decodeValues(new Uint8Array(8), 'bfloat16', new Float32Array(2))).toThrow(
    '8 bytes for 2 values as bfloat16',
  );
});
