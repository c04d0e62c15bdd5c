import { UserError } from '@captrain/runtime';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../byte-source.js';
import { ByteCursor } from './byte-cursor.js';
import { tensorsByName } from './dotted-names.js';
import { torchHost } from './torch-globals.js';
import { unpickle } from './unpickle.js';

/** Reads a pickle of these parts: text as it is, numbers as bytes. */
function read(...parts: (string | number | Uint8Array)[]): unknown {
  const bytes = Buffer.concat(
    parts.map((part) =>
      typeof part === 'number' ? Buffer.from([part]) : typeof part === 'string' ? Buffer.from(part) : part,
    ),
  );
  return unpickle(new ByteCursor(memorySource(bytes, 'the file'), 0, bytes.length), torchHost('the file'));
}

const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const start = Buffer.from([0x80, 2]);

test('numbers, texts and containers have their values', () => {
  expect(read(start, 'K', 7, '.')).toBe(7);
  expect(read(start, 'J', uint32(0xffffffff), '.')).toBe(-1);
  expect(read(start, 0x8a, 2, 0, 0x80, '.')).toBe(-32768);
  expect(read(start, 0x8a, 0, '.')).toBe(0);
  expect(read(start, 0x8a, 9, Buffer.alloc(8), 1, '.')).toBe(2n ** 64n);
  expect(read(start, 'G', Buffer.from('3fe0000000000000', 'hex'), '.')).toBe(0.5);
  expect(read(start, 'X', uint32(2), 'é', '.')).toBe('é');
  expect(read(start, 'U', 3, 'abc', '.')).toBe('abc');
  expect(read(start, ']', '(', 'K', 1, 'N', 'e', '.')).toEqual([1, null]);
  expect(read(start, '}', 'K', 1, 0x88, 's', '.')).toEqual(new Map([[1, true]]));
  expect(read(start, 'K', 1, 'q', 0, 'h', 0, 0x86, '.')).toEqual([1, 1]);
  expect(read(Buffer.from([0x80, 4, 0x95]), Buffer.alloc(8), 0x8c, 1, 'a', 0x94, 0x85, '.')).toEqual(['a']);
});

test("Python 2's dicts, whose pairs come as an argument", () => {
  const pairs = ['](](', 'U', 1, 'a', 'K', 5, 'ee'];
  expect(read(start, 'ccollections\nOrderedDict\n', ...pairs, 0x85, 'R.')).toEqual(new Map([['a', 5]]));
});

describe('what no weights need is refused by name', () => {
  const cases: [string, (string | number | Uint8Array)[], RegExp][] = [
    ['a call of another module', [start, 'cos\nsystem\n', '(U', 2, 'ls', 'tR.'], /asks for os\.system/],
    ['the same by a stack', [start, 'U', 2, 'os', 'U', 6, 'system', 0x93, '.'], /asks for os\.system/],
    ['a name of torch that makes no tensor', [start, 'ctorch.hub\nload\n.'], /asks for torch\.hub\.load/],
    ['a name from the prototype', [start, 'ctorch\nconstructor\n.'], /asks for torch\.constructor/],
    ['a name with control characters', [start, 'cos\x1b[2J\nx\n.'], /asks for "os\\u001b\[2J\.x"/],
    ['an instance', [start, '(ios\nsystem\n.'], /the opcode INST \(0x69\)/],
    ['an object', [start, '(o.'], /the opcode OBJ \(0x6f\)/],
    ['an extension', [start, 0x82, 1, '.'], /the opcode EXT1 \(0x82\)/],
    ['an unknown opcode', [start, 0xf0, '.'], /the unknown opcode 0xf0/],
    ['an old protocol', ['(dp0\n.'], /begins without a protocol/],
    ['a newer protocol', [0x80, 9, '.'], /pickle protocol 9/],
    ['a call of a value', [start, 'K', 1, ')R.'], /a call of what is no function/],
    ['a state for a value', [start, 'K', 1, '}b.'], /a state for what is no object/],
    [
      'a module by its persistent id',
      [start, 'U', 6, 'module', 0x85, 'Q.'],
      /a whole model with its Python code/,
    ],
  ];
  test.each(cases)('%s', (_, parts, message) => {
    expect(() => read(...parts)).toThrow(UserError);
    expect(() => read(...parts)).toThrow(message);
  });
});

describe('what contradicts itself is refused', () => {
  const storage = ['(U', 7, 'storage', 'ctorch\nFloatStorage\n', 'U', 1, '0', 'U', 3, 'cpu', 'K', 4, 'tQ'];
  const rebuild = 'ctorch._utils\n_rebuild_tensor\n';
  const cases: [string, (string | number | Uint8Array)[], RegExp][] = [
    ['nothing', [], /ends at byte 0/],
    ['no end', [start, 'N'], /in the middle of its contents/],
    ['an end without a value', [start, '.'], /a value that it never made/],
    ['a value from below the mark', [start, 'N(0.'], /a value that it never made/],
    ['a tuple without a mark', [start, 't.'], /no mark/],
    ['a memo that is empty', [start, 'h', 3, '.'], /no value 3/],
    ['a text longer than the file', [start, 'X', uint32(0xffffffff), 'a.'], /in the middle/],
    ['bytes of 2^63', [start, 0x8e, Buffer.alloc(8, 0x7f), '.'], /a length of 9187201950435737471 bytes/],
    ['a text that is no UTF-8', [start, 'U', 1, 0xff, '.'], /no UTF-8/],
    ['a name without an end', [start, 'c', 'x'.repeat(2000)], /longer than 1000 bytes/],
    ['an item of a number', [start, 'K', 1, 'N', 'a.'], /what is no list/],
    ['a dict of an odd number', [start, '}(Nu.'], /what is no dict/],
    ['too many values', [start, 'N'.repeat(2 ** 20 + 1), '.'], /more than 1048576 values/],
    ['a tensor without a storage', [start, rebuild, '(NK', 0, '))tR.'], /has no storage/],
    [
      'a negative size',
      [start, rebuild, '(', ...storage, 'K', 0, 'J', uint32(0xffffffff), 0x85, 'K', 1, 0x85, 'tR.'],
      /a shape that cannot be/,
    ],
    [
      'sizes without strides',
      [start, rebuild, '(', ...storage, 'K', 0, 'K', 1, 0x85, ')tR.'],
      /a shape that cannot be/,
    ],
  ];
  test.each(cases)('%s', (_, parts, message) => {
    expect(() => read(...parts)).toThrow(UserError);
    expect(() => read(...parts)).toThrow(message);
  });
});

describe('containers that would never end are refused', () => {
  const cases: [string, (string | number | Uint8Array)[]][] = [
    ['a list in itself', [start, ']q', 0, 'h', 0, 'a.']],
    ['lists in lists', [start, ']'.repeat(100), 'a'.repeat(99), '.']],
    // Each list holds the one before it twice: 2^40 ways to the last.
    [
      'one list in many',
      [start, ']', ...Array.from({ length: 40 }, () => ['q', 0, '0](h', 0, 'h', 0, 'e']).flat(), '.'],
    ],
  ];
  test.each(cases)('%s', (_, parts) => {
    const value = read(...parts);
    expect(() => tensorsByName(value, 'the file')).toThrow(UserError);
    expect(() => tensorsByName(value, 'the file')).toThrow(/nested too deeply, or in a circle/);
  });
});
