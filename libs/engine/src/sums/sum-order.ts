/**
 * In which order a tree's sums are made, as postfix: a number ≥ 0 pushes that part, -1 adds the two on top (left + right).
 * Every part is pushed exactly once.
 */
export type SumOrder = Int16Array;

/** How many sums wait at once, at most, while this order is followed. Throws where it is no order of so many parts. */
export function depthOf(order: SumOrder, parts: number): number {
  const pushed = new Array<boolean>(parts).fill(false);
  let [height, depth] = [0, 0];
  for (const [position, token] of order.entries()) {
    const wrong = (what: string) => new Error(`wrong order of a sum: entry ${position} ${what}`);
    if (token === -1) {
      if (height < 2) throw wrong(`adds two sums, but ${height === 1 ? 'only one is' : 'none are'} there`);
      height--;
      continue;
    }
    if (token < 0 || token >= parts) throw wrong(`is part ${token} of ${parts}`);
    if (pushed[token]) throw wrong(`is part ${token} for the second time`);
    pushed[token] = true;
    depth = Math.max(depth, ++height);
  }
  const missing = pushed.indexOf(false);
  if (missing >= 0) throw new Error(`wrong order of a sum: part ${missing} is not in it`);
  if (height !== 1) throw new Error(`wrong order of a sum: it leaves ${height} sums instead of one`);
  return depth;
}
