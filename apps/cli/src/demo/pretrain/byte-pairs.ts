/**
 * Byte-level byte-pair encoding as GPT-2 and CLIP use it (Sennrich et al. 2016; Radford et al. 2019): learns the
 * merges of a small vocabulary from words and their counts.
 */

/** GPT-2's printable stand-in for each byte, so that no token holds a space or a control character. */
export const byteSymbols: readonly string[] = (() => {
  let spare = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCodePoint(printable ? byte : spare++);
  });
})();

/** The symbols of a text, one for each of its UTF-8 bytes. */
export function symbolsOf(text: string): string[] {
  return [...Buffer.from(text, 'utf8')].map((byte) => byteSymbols[byte] as string);
}

/**
 * The merges that make whole words of symbols, the most frequent pair first (on a tie the one first in code-unit
 * order), until every word is one symbol or `limit` is reached.
 */
export function learnMerges(
  words: Iterable<readonly [symbols: string[], count: number]>,
  limit: number,
): [string, string][] {
  let pieces = [...words].map(([symbols, count]) => ({ symbols: [...symbols], count }));
  const merges: [string, string][] = [];
  while (merges.length < limit) {
    const best = mostFrequentPair(pieces);
    if (!best) break;
    merges.push(best);
    pieces = pieces.map(({ symbols, count }) => ({ symbols: merged(symbols, best), count }));
  }
  return merges;
}

function mostFrequentPair(pieces: { symbols: string[]; count: number }[]): [string, string] | undefined {
  const counts = new Map<string, number>();
  for (const { symbols, count } of pieces) {
    for (let at = 0; at + 1 < symbols.length; at++) {
      const pair = `${symbols[at]} ${symbols[at + 1]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best: string | undefined;
  for (const [pair, count] of counts) {
    const lead = best === undefined ? 1 : count - counts.get(best)!;
    if (lead > 0 || (lead === 0 && pair < best!)) best = pair;
  }
  return best?.split(' ') as [string, string] | undefined;
}

function merged(symbols: string[], [left, right]: [string, string]): string[] {
  const result: string[] = [];
  for (let at = 0; at < symbols.length; at++) {
    if (symbols[at] === left && symbols[at + 1] === right) {
      result.push(left + right);
      at++;
    } else result.push(symbols[at] as string);
  }
  return result;
}
