import { UserError } from '@captrain/runtime';
import { expect, test } from 'vitest';
import { memorySource } from '../byte-source.js';
import { readPytorch } from './read-pytorch.js';

const MAGIC = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex');
const PROTOCOL = Buffer.from('80024de9032e', 'hex');
const pickle = (...parts: (string | number)[]) =>
  Buffer.concat([
    Buffer.from([0x80, 2]),
    ...parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))),
    Buffer.from('.'),
  ]);
const machine = (littleEndian: boolean) => pickle('}U', 13, 'little_endian', littleEndian ? 0x88 : 0x89, 's');

/** Values of a storage as they stand at a legacy file's end: their count, then they. */
function storage(values: number[], count = values.length): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(count));
  return Buffer.concat([bytes, Buffer.from(new Float32Array(values).buffer)]);
}

/** `{'part': tensor}`: three values from the second on, of the part of storage `7` that begins at its third value. */
const object = pickle(
  ...['}U', 4, 'part', 'ctorch._utils\n_rebuild_tensor\n', '('],
  ...['(U', 7, 'storage', 'ctorch\nFloatStorage\n', 'U', 1, '7', 'U', 3, 'cpu', 'K', 8],
  ...['(U', 1, '8', 'K', 2, 'K', 5, 'ttQ'],
  ...['K', 1, 'K', 3, 0x85, 'K', 1, 0x85, 'tR', 's'],
);
const keys = pickle(']U', 1, '7', 'a');
const values = storage([0, 1, 2, 3, 4, 5, 6, 7]);

const open = (...parts: Buffer[]) => readPytorch(memorySource(Buffer.concat(parts), 'old.pt'));

test('a part of a storage, as PyTorch wrote it before 0.4, is that part', async () => {
  const { tensors } = await open(MAGIC, PROTOCOL, machine(true), object, keys, values);
  expect([...tensors.get('part')!.read()]).toEqual([3, 4, 5]);
});

test.each<[string, Buffer[], RegExp]>([
  ['another pickle', [pickle('N')], /no file of torch\.save/],
  ['another protocol', [MAGIC, pickle('K', 1)], /another protocol than 1001/],
  ['another order of bytes', [MAGIC, PROTOCOL, machine(false)], /big-endian/],
  [
    'a storage that nothing uses',
    [MAGIC, PROTOCOL, machine(true), pickle('}'), keys, values],
    /names 7, which no/,
  ],
  ['a storage that is not there', [MAGIC, PROTOCOL, machine(true), object, pickle(']')], /lacks storage 7/],
  [
    'a storage of other size',
    [MAGIC, PROTOCOL, machine(true), object, keys, storage([1])],
    /1 values instead of 8/,
  ],
  [
    'a storage of absurd size',
    [MAGIC, PROTOCOL, machine(true), object, keys, storage([1], 2 ** 52)],
    /middle of storage 7/,
  ],
  [
    'bytes behind the end',
    [MAGIC, PROTOCOL, machine(true), object, keys, values, keys],
    /bytes follow the last storage/,
  ],
])('a legacy file with %s is refused', async (_, parts, message) => {
  await expect(open(...parts)).rejects.toThrow(UserError);
  await expect(open(...parts)).rejects.toThrow(message);
});
