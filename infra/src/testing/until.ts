import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again and again until there is an answer; throws after `seconds`. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  seconds = 30,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  while (performance.now() < deadline) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(20);
  }
  throw new Error(`Waited ${seconds} s in vain until ${what}.`);
}
