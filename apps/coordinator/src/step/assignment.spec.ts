import { describe, expect, it } from 'vitest';
import { type Assignment, handedOver, microbatchesOf, moved, shareOut, withoutWorker } from './assignment.js';

/** The microbatches that everyone has, in order. */
function owners(assignment: Assignment<string>, leaves: number): string {
  const owner = Array<string>(leaves).fill('-');
  for (const [worker, subtrees] of assignment)
    for (const { first, count } of subtrees) {
      expect(first % count).toBe(0);
      for (let i = first; i < Math.min(first + count, leaves); i++) {
        expect(owner[i]).toBe('-');
        owner[i] = worker;
      }
    }
  return owner.join('');
}

describe('sharing a step', () => {
  it('gives everyone who works an even part, and the others none', () => {
    expect(owners(shareOut(8, ['a', 'b', 'c']), 8)).toBe('aaabbccc');
    const shares = shareOut(7, ['a', 'b'], ['c']);
    expect(owners(shares, 7)).toBe('aaaabbb');
    expect(shares.get('c')).toEqual([]);
  });

  it('hands a lost worker over to the others in even parts, who keep what they have', () => {
    const before = shareOut(8, ['a', 'b']);
    expect(owners(withoutWorker(before, 'b', ['a'], 8), 8)).toBe('aaaaaaaa');
    expect(withoutWorker(before, 'b', ['a'], 8).get('a')).toEqual([{ first: 0, count: 8 }]);
    const three = shareOut(16, ['a', 'b', 'c', 'd']);
    expect(owners(withoutWorker(three, 'b', ['a', 'c', 'd'], 16), 16)).toBe('aaaaacdaccccdddd');
    expect(() => withoutWorker(before, 'b', [], 8)).toThrow(/nobody/);
  });

  it('joins siblings at a ragged edge as the tree has them', () => {
    const before = shareOut(5, ['a', 'b']);
    expect(owners(before, 5)).toBe('aaabb');
    expect(withoutWorker(before, 'a', ['b'], 5).get('b')).toEqual([
      { first: 0, count: 4 },
      { first: 4, count: 1 },
    ]);
  });

  it('moves a subtree, or a part of somebody’s', () => {
    const before = shareOut(8, ['a', 'b'], ['c']);
    expect(owners(moved(before, { first: 4, count: 2 }, 'c', 8), 8)).toBe('aaaaccbb');
    expect(owners(moved(before, { first: 4, count: 4 }, 'a', 8), 8)).toBe('aaaaaaaa');
    expect(owners(moved(shareOut(7, ['a', 'b']), { first: 6, count: 1 }, 'a', 7), 7)).toBe('aaaabba');
  });

  it('gives pieces to whoever has least', () => {
    const shares = handedOver(
      new Map([
        ['a', [{ first: 0, count: 4 }]],
        ['b', []],
      ]),
      [{ first: 4, count: 4 }],
      ['a', 'b'],
      8,
    );
    expect(owners(shares, 8)).toBe('aaaabbbb');
    expect(microbatchesOf([{ first: 4, count: 4 }], 6)).toBe(2);
  });
});
