import { setTimeout as sleep } from 'node:timers/promises';

let ports = 0;

/** That of a new process: no other one has it. */
export const newPort = () => ++ports;

/** The parts of one sum, by rank. */
const gatherings = new Map<string, (readonly number[])[]>();

/**
 * What the processes of a group do for their workers: all get the sum of everyone's part, in order of their ranks. Ends with the
 * signal, as such a process does when it is killed.
 */
export async function sumAmong(
  { addresses, rank, generation }: { addresses: readonly string[]; rank: number; generation: number },
  part: readonly number[],
  signal: AbortSignal,
): Promise<number[]> {
  const key = `${generation} ${addresses.join(' ')}`;
  const parts = gatherings.get(key) ?? [];
  gatherings.set(key, parts);
  parts[rank] = part;
  while (Object.keys(parts).length < addresses.length) await sleep(5, undefined, { signal });
  return parts.reduce<number[]>(
    (sum, values) => sum.map((value, i) => Math.fround(value + values[i]!)),
    Array<number>(part.length).fill(0),
  );
}
