import { describe, expect, test } from 'vitest';
import { crc32c } from './crc32c.js';
import { sumParts } from './sum-parts.js';
import { bytesOf, encoded, randomOrder, randomParts, seeded, treeSum } from './testing.js';

describe.each(['float32', 'bfloat16'] as const)('a sum of %s parts', (format) => {
  test('has the bits of a plain tree sum, for random trees, odd lengths and unaligned parts', async () => {
    const random = seeded(7);
    for (const length of [0, 1, 7, 63, 2047, 2048, 2049, 5003]) {
      for (const count of [1, 2, 3, 5, 8]) {
        const values = randomParts(count, length, random);
        const parts = values.map((part, index) => encoded(part, format, index));
        const order = randomOrder(count, random);
        const into = new Uint8Array(parts[0]!.length + 3).subarray(3);
        const wide = values.map((part) => (format === 'bfloat16' ? roundAll(part) : part));
        const expected = encoded(treeSum(wide, order), format);
        const seen = await sumParts({ parts, order, format, into });
        expect(Buffer.compare(into, expected), `${count} parts of ${length}`).toBe(0);
        expect(seen).toEqual({
          finite: true,
          checksum: crc32c(expected),
          wrongChecksum: -1,
          nonFinitePart: -1,
        });
      }
    }
  });

  test('tells the first part with a wrong checksum, and the first with a value that is not finite', async () => {
    const parts = randomParts(4, 5000, seeded(1)).map((part) => encoded(part, format));
    const checksums = Uint32Array.from(parts, crc32c);
    const order = Int16Array.of(0, 1, 2, 3, -1, -1, -1);
    const into = new Uint8Array(parts[0]!.length);
    const sum = () => sumParts({ parts, checksums, order, format, into });
    expect(await sum()).toMatchObject({ wrongChecksum: -1, nonFinitePart: -1, finite: true });
    const width = into.length / 5000;
    for (const [position, value] of [
      [4999, NaN],
      [17, -Infinity],
    ] as const) {
      const original = parts[2]!.slice();
      parts[2]!.set(encoded(Float32Array.of(value), format), position * width);
      expect(await sum()).toMatchObject({ wrongChecksum: 2, nonFinitePart: 2, finite: false });
      parts[2]!.set(original);
    }
    parts[3]![4321]! ^= 1;
    parts[1]![1]! ^= 4;
    expect(await sum()).toMatchObject({ wrongChecksum: 1 });
  });
});

describe.each(['float32', 'bfloat16'] as const)('values of this process in a sum of %s parts', (format) => {
  const order = Int16Array.of(0, 1, -1, 2, -1);
  const length = 5003;
  const [a, b, c] = randomParts(3, length, seeded(12)) as [Float32Array, Float32Array, Float32Array];

  test('count as if they had travelled, and the sum comes as float32, too', async () => {
    const into = encoded(new Float32Array(length), format);
    const travelled = [a, b, c].map((part) => encoded(part, format));
    const expected = await sumParts({ parts: travelled, order, format, into });
    const bytes = into.slice();
    const values = new Float32Array(length + 3).subarray(3);
    const parts = [a, travelled[1]!, c];
    const checksums = Uint32Array.from(travelled, (part, i) => (i === 1 ? crc32c(part) : 0));
    expect(await sumParts({ parts, checksums, order, format, into: into.fill(0), values })).toEqual(expected);
    expect(into).toEqual(bytes);
    expect(Buffer.compare(encoded(values, format), bytes)).toBe(0);
    values.fill(0);
    expect(await sumParts({ parts, order, format, values })).toEqual(expected);
    expect(Buffer.compare(encoded(values, format), bytes)).toBe(0);
    expect(await sumParts({ parts, order, format })).toEqual(expected);
  });

  test('are looked at for what is not finite, as they travel', async () => {
    const large = a.slice().fill(format === 'bfloat16' ? 3.4e38 : Infinity, 4000, 4001);
    const parts = [large, b, c];
    expect(await sumParts({ parts, order, format })).toMatchObject({ nonFinitePart: 0, finite: false });
  });
});

test('a sum of finite parts that overflows is not finite', async () => {
  const largest = bytesOf(Float32Array.of(1, 3.4e38));
  const into = new Uint8Array(8);
  const seen = await sumParts({
    parts: [largest, largest],
    order: Int16Array.of(0, 1, -1),
    format: 'float32',
    into,
  });
  expect(seen).toMatchObject({ nonFinitePart: -1, finite: false });
  expect([...new Float32Array(into.buffer)]).toEqual([2, Infinity]);
});

test('one part may be summed into', async () => {
  const [left, right] = randomParts(2, 10_000, seeded(3)) as [Float32Array, Float32Array];
  const expected = treeSum([left, right], Int16Array.of(0, 1, -1));
  const into = bytesOf(left);
  await sumParts({ parts: [into, bytesOf(right)], order: Int16Array.of(0, 1, -1), format: 'float32', into });
  expect(left).toEqual(expected);
});

test('the event loop turns while large parts are summed, past the caches, to any address', async () => {
  const values = 8_000_001;
  const [random] = randomParts(1, 5003, seeded(9)) as [Float32Array];
  const parts = [0, 1, 2, 3].map((shift) => {
    const part = new Uint8Array(4 * values + shift).subarray(shift);
    for (let at = 0; at < part.length; at += 4 * 5000)
      part.set(bytesOf(random).subarray(0, part.length - at), at);
    return part;
  });
  const expected = new Float32Array(values);
  for (let i = 0; i < values; i++) {
    const pair = Math.fround(2 * random[i % 5000]!);
    expected[i] = pair + pair;
  }
  const into = new Uint8Array(4 * values + 7).subarray(7);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const seen = await sumParts({
    parts,
    order: Int16Array.of(0, 1, -1, 2, 3, -1, -1),
    format: 'float32',
    into,
  });
  clearInterval(timer);
  expect(turns).toBeGreaterThan(3);
  expect(Buffer.compare(into, bytesOf(expected))).toBe(0);
  expect(seen.checksum).toBe(crc32c(into));
});

describe('refuses at once', () => {
  const parts = [new Uint8Array(8), new Uint8Array(8)];
  const into = new Uint8Array(8);
  const order = Int16Array.of(0, 1, -1);
  test.each([
    [[0, -1], 'wrong order of a sum: entry 1 adds two sums, but only one is there'],
    [[-1], 'wrong order of a sum: entry 0 adds two sums, but none are there'],
    [[0, 1], 'wrong order of a sum: it leaves 2 sums instead of one'],
    [[0, 2, -1], 'wrong order of a sum: entry 1 is part 2 of 2'],
    [[0, -2, -1], 'wrong order of a sum: entry 1 is part -2 of 2'],
    [[0, 0, -1], 'wrong order of a sum: entry 1 is part 0 for the second time'],
    [[1], 'wrong order of a sum: part 0 is not in it'],
  ])('the order %j', (wrong, message) => {
    expect(() => sumParts({ parts, order: Int16Array.from(wrong), format: 'float32', into })).toThrow(
      message,
    );
  });

  test('no parts, other lengths, and formats that do not exist', () => {
    const none = { parts: [], order: new Int16Array(), format: 'float32', into } as const;
    expect(() => sumParts(none)).toThrow('it leaves 0 sums instead of one');
    const short = { parts: [parts[0]!, new Uint8Array(4)], order, format: 'float32', into } as const;
    expect(() => sumParts(short)).toThrow('part 1 has 1 values for a sum of 2');
    const small = { parts, order, format: 'float32', into: new Uint8Array(4) } as const;
    expect(() => sumParts(small)).toThrow('part 0 has 2 values for a sum of 1');
    const ragged = { parts, order, format: 'float32', into: new Uint8Array(7) } as const;
    expect(() => sumParts(ragged)).toThrow('7 bytes are no whole number of float32 values');
    const wide = { parts, order, format: 'float32', into, values: new Float32Array(3) } as const;
    expect(() => sumParts(wide)).toThrow('a sum of 2 values does not fit into 3');
    expect(() => sumParts({ parts, order, format: 'int8' as 'float32', into })).toThrow(
      'there is no wire format "int8"',
    );
    const checksums = new Uint32Array(1);
    expect(() => sumParts({ parts, checksums, order, format: 'float32', into })).toThrow(
      '1 checksums for 2 parts',
    );
  });
});

function roundAll(values: Float32Array): Float32Array {
  const upper = encoded(values, 'bfloat16');
  const bits = new Uint16Array(upper.buffer, 0, values.length);
  return new Float32Array(Uint32Array.from(bits, (half) => half << 16).buffer);
}
