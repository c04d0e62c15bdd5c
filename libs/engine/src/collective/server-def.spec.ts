import { UserError } from '@captrain/runtime';
import { expect, test } from 'vitest';
import { serverDef } from './server-def.js';

const addresses = ['a:1', 'b:65535'];

test.each([
  [{ addresses: ['a:1', 'b'], rank: 0 }, '"b" is no address HOST:PORT of a process'],
  [{ addresses: ['a:1', 'b:65536'], rank: 0 }, '"b:65536" is no address HOST:PORT of a process'],
  [{ addresses: ['a:1', ':2'], rank: 0 }, '":2" is no address HOST:PORT of a process'],
  [{ addresses: ['a:1', 'a:1'], rank: 0 }, 'Two processes have the address a:1'],
  [{ addresses, rank: 2 }, 'There is no rank 2 among 2 processes'],
  [{ addresses, rank: -1 }, 'There is no rank -1 among 2 processes'],
  [{ addresses: [], rank: 0 }, 'There is no rank 0 among 0 processes'],
])('%j is refused', (member, sentence) => {
  expect(() => serverDef(member)).toThrow(new UserError(sentence));
});

test('a member of hundreds names them all, each by its number', () => {
  const many = Array.from({ length: 300 }, (_, rank) => `host${rank}:1`);
  const bytes = Buffer.from(serverDef({ addresses: many, rank: 299 }));
  // Task 299 is the varint 0xab 0x02.
  expect(bytes.includes(Buffer.concat([Buffer.from([8, 0xab, 2, 18, 9]), Buffer.from('host299:1')]))).toBe(
    true,
  );
  expect(bytes.includes('/job:worker/task:299')).toBe(true);
  expect(bytes.includes(Buffer.from([24, 0xab, 2]))).toBe(true);
});
