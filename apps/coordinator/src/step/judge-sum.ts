/** Whether a global sum is finite, and who said otherwise. */
export interface Verdict<Worker> {
  readonly finite: boolean;
  readonly liars: readonly Worker[];
}

/** What a sum is judged by, besides what is said of it. */
export interface JudgedBy {
  /** Whether it is finite, as this process has seen. */
  readonly seen: boolean | undefined;
  /** It will be seen here. */
  readonly willBeSeen: boolean;
  /** All will say it, so that one who denies it needs no answer before. */
  readonly allWillSay: boolean;
}

/**
 * Judges whether the sum of an attempt is finite, by what those who have received it say, and by what this process has
 * seen of it itself. All receive the same sum. `open`: more is to be heard or seen; `doubtful`: it has to be added up here,
 * for one worker's word is not enough where there are others.
 */
export function judgeSum<Worker>(
  members: readonly Worker[],
  said: ReadonlyMap<Worker, boolean>,
  { seen, willBeSeen, allWillSay }: JudgedBy,
): Verdict<Worker> | 'open' | 'doubtful' {
  const words = members.map((member) => said.get(member));
  const haveAll = !words.includes(undefined);
  const isDenied = words.includes(false);
  // Nobody else could be harmed: a lone worker is believed.
  if (members.length === 1) return haveAll ? { finite: words[0]! && seen !== false, liars: [] } : 'open';
  if (seen !== undefined) {
    if (seen && !haveAll) return 'open';
    return { finite: seen, liars: members.filter((member) => said.get(member) === !seen) };
  }
  if (willBeSeen || (!haveAll && (!isDenied || allWillSay))) return 'open';
  if (haveAll && words.every((word) => word === words[0])) return { finite: words[0]!, liars: [] };
  return 'doubtful';
}
