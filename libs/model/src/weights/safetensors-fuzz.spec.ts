import { UserError } from '@captrain/runtime';
import { expect, test } from 'vitest';
import { readSafetensors } from './read-safetensors.js';
import { writeSafetensors, type TensorToWrite } from './write-safetensors.js';

const tensors = new Map<string, TensorToWrite>([
  ['wte', { shape: [2, 3], data: new Float32Array([1, 2, 3, 4, 5, 6]) }],
  ['h.0.bias', { shape: [2], data: new Float32Array([7, 8]) }],
  ['half', { shape: [3], data: new Float32Array([0.5, -2, 9]), dtype: 'F16' }],
]);
const whole = writeSafetensors(tensors, { format: 'pt' });
const headerEnd = 8 + Number(whole.readBigUInt64LE(0));

/** Reads all of a file: true, or false where it is refused as the user's to mend. Any other error is thrown. */
function reads(bytes: Buffer): boolean {
  try {
    const { tensors } = readSafetensors(bytes);
    for (const tensor of tensors.values()) if (/^(F|BF)\d+$/.test(tensor.dtype)) tensor.read();
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

test('a file that is cut anywhere is refused', () => {
  expect(reads(whole)).toBe(true);
  for (let length = 0; length < whole.length; length++)
    expect(reads(whole.subarray(0, length)), `${length} bytes`).toBe(false);
});

test('with any bit of the header flipped it is refused, or still describes exactly its bytes', () => {
  const dataBytes = whole.length - headerEnd;
  let readable = 0;
  for (let at = 0; at < headerEnd; at++)
    for (let bit = 0; bit < 8; bit++) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 1 << bit;
      if (!reads(bytes)) continue;
      readable++;
      const widths = { F32: 4, F16: 2, I32: 4, I16: 2, U32: 4, U16: 2 } as Record<string, number>;
      const sizes = [...readSafetensors(bytes).tensors.values()].map(
        ({ dtype, shape }) => (widths[dtype] ?? NaN) * shape.reduce((product, size) => product * size, 1),
      );
      expect(
        sizes.reduce((sum, size) => sum + size, 0),
        `bit ${bit} of byte ${at}`,
      ).toBe(dataBytes);
    }
  // A letter of a name, a dtype of the same width: such files are valid, and only their reader can miss something.
  expect(readable).toBeGreaterThan(0);
});

test('with any byte of the header replaced it is never another error', () => {
  for (let at = 0; at < headerEnd; at++)
    for (const byte of [0, 0x20, 0x22, 0x2c, 0x39, 0x5b, 0x5c, 0x7b, 0x80, 0xff]) {
      const bytes = Buffer.from(whole);
      bytes[at] = byte;
      reads(bytes);
    }
});
