import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine, tf } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { UserError } from '@captrain/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSafetensors } from './read-safetensors.js';
import { safetensorsParts, writeSafetensors, type TensorToWrite } from './write-safetensors.js';

const folder = mkdtempSync(path.join(tmpdir(), 'captrain-safetensors-'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(() => startEngine({ device: 'cpu' }));

const tensors = new Map<string, TensorToWrite>([
  ['zeta', { shape: [2, 3], data: new Float32Array([1, 2, 3, 4, 5, -6.5]) }],
  ['half', { shape: [3], data: new Float32Array([0.5, -2, 65504]), dtype: 'F16' }],
  ['brain', { shape: [2, 1], data: new Float32Array([1.5, -3]), dtype: 'BF16' }],
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

test('a tensor comes as one of TensorFlow too, from memory and from disk', () =>
  expectNoLeak(() => {
    const bytes = writeSafetensors(tensors);
    const file = path.join(folder, 'tensors.safetensors');
    writeFileSync(file, bytes);
    for (const source of [bytes, file])
      for (const [name, entry] of readSafetensors(source).tensors) {
        const tensor = entry.tensor();
        expect(tensor.shape).toEqual(tensors.get(name)!.shape);
        expect(tensor.dataSync()).toEqual(tensors.get(name)!.data);
        tf.dispose(tensor);
      }
  }));

test('parts are the header, then views of the values, and values are asked for one after the other', () => {
  const asked: string[] = [];
  const lazy = new Map(
    [...tensors].map(([name, { data, ...rest }]) => {
      const give = () => {
        asked.push(name);
        return data as Float32Array;
      };
      return [name, { ...rest, data: give }];
    }),
  );
  const parts = safetensorsParts(lazy);
  parts.next();
  expect(asked).toEqual([]);
  const first = parts.next().value as Uint8Array;
  expect(asked).toEqual(['alpha']);
  expect(first.buffer).toBe((tensors.get('alpha')!.data as Float32Array).buffer);
  expect(Buffer.concat([...safetensorsParts(lazy)])).toEqual(writeSafetensors(tensors));
});

test.each(['F16', 'BF16'] as const)('a value that %s cannot hold is refused by name', (dtype) => {
  const data = new Float32Array([1, 3.4e38]);
  const large = new Map([['h.0', { shape: [2], data, dtype }]]);
  expect(() => writeSafetensors(large)).toThrow(UserError);
  expect(() => writeSafetensors(large)).toThrow(/tensor h.0 holds 3.39.*e\+38, which is too large for/);
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
    ['a header that is no JSON', fileOf('{"a":', 0), /no valid JSON/],
    ['a header that is no UTF-8', fileOf('{"\u00e9":1}', 0).fill(0xff, 10, 11), /no valid JSON.*utf-8/],
    ['a header behind a byte order mark', fileOf('\ufeff{}', 0), /no JSON object/],
    [
      'a header of lists in lists',
      fileOf(`{"a":${'['.repeat(99999)}${']'.repeat(99999)}}`, 0),
      /nested too deeply/,
    ],
    ['a header that is a list', fileOf([], 0), /no JSON object/],
    ['metadata that is no text', fileOf({ __metadata__: { a: 1 } }, 0), /__metadata__/],
    [
      'one name for two tensors',
      fileOf(`{"a":${JSON.stringify(f32([1], 0, 4))},"\\u0061":${JSON.stringify(f32([1], 4, 8))}}`, 8),
      /the name "a" stands in it twice/,
    ],
    [
      'one key twice in an entry',
      fileOf('{"a":{"dtype":"F32","dtype":"F16"}}', 0),
      /"dtype" stands in it twice/,
    ],
    [
      'one key twice in the metadata',
      fileOf('{"__metadata__":{"a":"1","a":"2"}}', 0),
      /"a" stands in it twice/,
    ],
    ['metadata that is a list', fileOf({ __metadata__: ['a'] }, 0), /__metadata__/],
    [
      'a name that would move the cursor',
      fileOf({ 'a\u001b[2J': f32([2], 0, 4) }, 4),
      /tensor "a\\u001b\[2J" spans/,
    ],
    [
      'an offset beyond 2^53',
      fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[9007199254740992,9007199254740996]}}', 4),
      /tensor a has data_offsets/,
    ],
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
    [
      'a shape whose size overflows',
      fileOf({ a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4),
      /tensor a has shape .*2\^53/,
    ],
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

  test.each([
    ['NaN', NaN],
    ['infinite', -Infinity],
  ])('a value that is %s, when it is read', async (what, value) => {
    const file = path.join(folder, `${what}.safetensors`);
    const data = new Float32Array([1, 2, value, 4]);
    writeFileSync(file, writeSafetensors(new Map([['h.0', { shape: [4], data }]])));
    const tensor = readSafetensors(file).tensors.get('h.0')!;
    const message = `value 2 is ${what} in tensor h.0 of ${file}`;
    expect(() => tensor.read()).toThrow(message);
    expect(() => tensor.tensor()).toThrow(UserError);
    expect(() => tensor.tensor()).toThrow(message);
  });

  test('a file that becomes shorter after it was opened', () => {
    const file = path.join(folder, 'shrinking.safetensors');
    const bytes = writeSafetensors(tensors);
    writeFileSync(file, bytes);
    const tensor = readSafetensors(file).tensors.get('zeta')!;
    truncateSync(file, bytes.length - 12);
    expect(() => tensor.read()).toThrow(`${file} became shorter while tensor zeta was read`);
    expect(() => tensor.tensor()).toThrow(UserError);
    expect(() => tensor.tensor()).toThrow(/tensor zeta of .*became shorter/);
  });

  test('a folder in place of a file', () => {
    expect(() => readSafetensors(folder)).toThrow(/is no file/);
  });

  test('a file that is not there', () => {
    expect(() => readSafetensors(path.join(folder, 'absent'))).toThrow(UserError);
  });
});

test('a tensor whose values do not fit its shape is not written', () => {
  const wrong = new Map([['a', { shape: [2], data: new Float32Array(3) }]]);
  expect(() => writeSafetensors(wrong)).toThrow('tensor a of shape [2] was given 3 values');
});
