/** Packed attention in plain double precision, and layouts of segments to compute it for. */

/** Which rows a row sees, in the order of their places; by row. Rows in no segment have none. */
export type Seen = number[][];

export interface Layout {
  title: string;
  rows: number;
  causal: boolean;
  /** Of 3 or 4 numbers each. */
  segments: number[][];
}

export const LAYOUTS: Layout[] = [
  {
    title: 'captions behind the prefixes of two images, in any order, and padding',
    rows: 24,
    causal: true,
    segments: [
      [10, 15, 0, 3],
      [0, 3, 0, 0],
      [15, 16, 5, 8],
      [5, 8, 8, 8],
      [16, 19, 0, 3],
      [8, 10, 0, 3],
      [20, 20, 0, 3],
    ],
  },
  {
    title: 'captions that begin alike, as a forest, and padding',
    rows: 25,
    causal: true,
    segments: [
      [0, 3, -1],
      [3, 6, -1],
      [6, 8, 0],
      [8, 9, 2],
      [9, 13, 2],
      [13, 14, 1],
      [14, 20, 3],
      [20, 20, 6],
      [20, 22, 7],
      [0, 0, -1],
    ],
  },
  {
    title: 'both directions',
    rows: 13,
    causal: false,
    segments: [
      [0, 5, 0, 5],
      [5, 6, 5, 6],
      [6, 12, 6, 12],
    ],
  },
  {
    title: 'both directions, behind a parent, one that sees nothing',
    rows: 9,
    causal: false,
    segments: [
      [0, 4, -1],
      [4, 6, 0],
      [6, 8, 1],
    ],
  },
  {
    title: 'others alone, and nothing',
    rows: 9,
    causal: false,
    segments: [
      [0, 4, 4, 8],
      [4, 6, 0, 0],
    ],
  },
  { title: 'more rows than are computed at once', rows: 107, causal: true, segments: [[2, 105, 0, 1]] },
  {
    title: 'more rows than are computed at once, both directions',
    rows: 101,
    causal: false,
    segments: [
      [0, 51, 0, 101],
      [51, 101, 0, 51],
    ],
  },
];

export function seenRows({ rows, causal, segments }: Layout): Seen {
  const range = (first: number, end: number) => Array.from({ length: end - first }, (_, i) => first + i);
  const seen: Seen = Array.from({ length: rows }, () => []);
  const before: Seen = [];
  for (const [first, end, third, fourth] of segments as [number, number, number, number?][]) {
    const parent = third < 0 ? undefined : segments[third];
    const ancestors =
      fourth !== undefined
        ? range(third, fourth)
        : parent === undefined
          ? []
          : [...before[third]!, ...range(parent[0]!, parent[1]!)];
    before.push(ancestors);
    for (let row = first; row < end; row++) {
      const own = causal ? range(first, row + 1) : fourth === undefined ? range(first, end) : [];
      seen[row] = [...ancestors, ...own];
    }
  }
  return seen;
}

export interface PlainAttention {
  heads: number;
  width: number;
  scale: number;
  seen: Seen;
  /** What the weight of a head's row for the key of a place is multiplied by. */
  kept?: (head: number, row: number, place: number) => number;
}

/** out_ND of queries, keys and values ND. */
export function plainAttention(
  [queries, keys, values]: readonly ArrayLike<number>[],
  { heads, width, scale, seen, kept = () => 1 }: PlainAttention,
): Float64Array {
  const out = new Float64Array(seen.length * width);
  const headWidth = width / heads;
  for (const [row, visible] of seen.entries()) {
    for (let head = 0; head < heads; head++) {
      const at = (of: number) => of * width + head * headWidth;
      const scores = visible.map((key) => {
        let sum = 0;
        for (let e = 0; e < headWidth; e++) sum += queries![at(row) + e]! * keys![at(key) + e]!;
        return sum * scale;
      });
      const most = Math.max(...scores);
      const exponentials = scores.map((score) => Math.exp(score - most));
      const total = exponentials.reduce((sum, value) => sum + value, 0);
      for (const [place, key] of visible.entries()) {
        const weight = (exponentials[place]! / total) * kept(head, row, place);
        for (let e = 0; e < headWidth; e++) out[at(row) + e]! += weight * values![at(key) + e]!;
      }
    }
  }
  return out;
}
