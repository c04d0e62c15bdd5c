import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import { readSafetensors } from './read-safetensors.js';
import { writeSafetensors, type TensorToWrite } from './write-safetensors.js';

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-safetensors-'));
afterAll(() => rmSync(folder, { recursive: true }));

const tensors = new Map<string, TensorToWrite>([
  ['zeta', { shape: [2, 3], data: new Float32Array([1, 2, 3, 4, 5, -6.5]) }],
  ['half', { shape: [3], data: new Float32Array([0.5, -2, 65504]), dtype: 'F16' }],
  ['alpha', { shape: [], data: new Float32Array([7]) }],
  ['empty', { shape: [0, 4], data: new Float32Array() }],
]);

/** A file of a header and so many bytes of data. */
function fileOf(header: unknown, dataBytes: number): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
}

test('what was written is read back, from memory and from disk', () => {
  const bytes = writeSafetensors(tensors, { format: 'pt' });
  const file = path.join(folder, 'model.safetensors');
  writeFileSync(file, bytes);
  for (const source of [bytes, file]) {
    const read = readSafetensors(source);
    expect(read.metadata).toEqual({ format: 'pt' });
    expect(new Set(read.tensors.keys())).toEqual(new Set(tensors.keys()));
    for (const [name, { shape, data, dtype = 'F32' }] of tensors) {
      expect(read.tensors.get(name)).toMatchObject({ shape, dtype });
      expect(read.tensors.get(name)!.read()).toEqual(data);
    }
  }
});

test('the bytes do not depend on the order in which tensors and metadata come', () => {
  const bytes = writeSafetensors(tensors, { a: '1', b: '2' });
  expect(writeSafetensors(new Map([...tensors].reverse()), { b: '2', a: '1' })).toEqual(bytes);
});

test('values start at a multiple of 8 bytes, as other readers expect', () => {
  const bytes = writeSafetensors(tensors);
  expect(Number(bytes.readBigUInt64LE(0)) % 8).toBe(0);
});

test('bfloat16 and float64 are read as float32', () => {
  const file = fileOf(
    {
      a: { dtype: 'BF16', shape: [1], data_offsets: [0, 2] },
      b: { dtype: 'F64', shape: [1], data_offsets: [2, 10] },
    },
    10,
  );
  file.writeUInt16LE(0x3f80, file.length - 10);
  file.writeDoubleLE(-0.25, file.length - 8);
  const { tensors: read } = readSafetensors(file);
  expect([...read.get('a')!.read()]).toEqual([1]);
  expect([...read.get('b')!.read()]).toEqual([-0.25]);
});

describe('a file that cannot be right is refused, naming file and tensor', () => {
  const f32 = (shape: unknown, begin: number, end: number) => ({
    dtype: 'F32',
    shape,
    data_offsets: [begin, end],
  });
  const cases: [string, Buffer, RegExp][] = [
    ['an empty file', Buffer.alloc(0), /shorter than 8 bytes/],
    [
      'a header longer than the file',
      Buffer.from('ffffff0000000000', 'hex'),
      /header would be 16777215 bytes/,
    ],
    ['a header of absurd length', Buffer.alloc(16, 255), /header would be 18446744073709551615 bytes/],
    ['a header that is no JSON', fileOf('{"a":', 0), /no JSON/],
    ['a header that is no UTF-8', fileOf('{"\u00e9":1}', 0).fill(0xff, 10, 11), /no JSON/],
    ['a header that is a list', fileOf([], 0), /no JSON object/],
    ['metadata that is no text', fileOf({ __metadata__: { a: 1 } }, 0), /__metadata__/],
    ['an unknown dtype', fileOf({ a: { ...f32([1], 0, 4), dtype: 'F12' } }, 4), /tensor a .*"F12"/],
    [
      'a dtype from the prototype',
      fileOf({ a: { ...f32([1], 0, 4), dtype: 'toString' } }, 4),
      /unknown dtype/,
    ],
    ['a negative size', fileOf({ a: f32([-1], 0, 4) }, 4), /tensor a has shape/],
    ['a fractional offset', fileOf({ a: f32([1], 0.5, 4.5) }, 4), /tensor a has data_offsets/],
    [
      'an extent that does not fit the shape',
      fileOf({ a: f32([2], 0, 4) }, 4),
      /tensor a spans 4 bytes .* 8/,
    ],
    ['a shape whose size overflows', fileOf({ a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4), /tensor a spans/],
    ['tensors that overlap', fileOf({ a: f32([2], 0, 8), b: f32([1], 4, 8) }, 8), /tensor b overlaps/],
    [
      'a hole between tensors',
      fileOf({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12),
      /tensor b follows a hole/,
    ],
    ['a tensor beyond the end', fileOf({ a: f32([2], 0, 8) }, 4), /tensor a lies beyond/],
    ['bytes behind the last tensor', fileOf({ a: f32([1], 0, 4) }, 5), /1 bytes follow/],
  ];
  test.each(cases)('%s', (_, bytes, message) => {
    const file = path.join(folder, 'bad.safetensors');
    writeFileSync(file, bytes);
    expect(() => readSafetensors(file)).toThrow(UserError);
    expect(() => readSafetensors(file)).toThrow(message);
    expect(() => readSafetensors(file)).toThrow(file);
  });

  test('integers where floats are needed', () => {
    const file = fileOf({ ids: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, 8);
    expect(() => readSafetensors(file).tensors.get('ids')!.read()).toThrow(/tensor ids .* I64/);
  });

  test('a file that is not there', () => {
    expect(() => readSafetensors(path.join(folder, 'absent'))).toThrow(UserError);
  });
});

test('a tensor whose values do not fit its shape is not written', () => {
  const wrong = new Map([['a', { shape: [2], data: new Float32Array(3) }]]);
  expect(() => writeSafetensors(wrong)).toThrow('tensor a of shape [2] was given 3 values');
});
