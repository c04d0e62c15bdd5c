/** One thing that must equal PyTorch, and how close it is. */
export interface ParityRow {
  what: string;
  /** A largest difference, or for `atLeast` rows a smallest similarity. */
  limit: number;
  measured: number;
  passed: boolean;
}

/** A difference that must not be larger than the limit; a NaN fails. */
export function atMost(what: string, limit: number, measured: number): ParityRow {
  return { what, limit, measured, passed: measured <= limit };
}

/** A similarity that must not be smaller than the limit; a NaN fails. */
export function atLeast(what: string, limit: number, measured: number): ParityRow {
  return { what, limit, measured, passed: measured >= limit };
}

/** Results that must be the same: `measured` counts those that differ. */
export function identical<T>(what: string, ours: readonly T[], theirs: readonly T[]): ParityRow {
  const same = (a: T | undefined, b: T | undefined) => JSON.stringify(a) === JSON.stringify(b);
  const longer = ours.length >= theirs.length ? ours : theirs;
  const differing = longer.filter((_, index) => !same(ours[index], theirs[index])).length;
  return { what, limit: 0, measured: differing, passed: differing === 0 && longer.length > 0 };
}
