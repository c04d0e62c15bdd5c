/** Why something was refused; `stale` alone changes nothing for the others. */
export type RefusalKind = 'nonFinite' | 'checksum' | 'malformed' | 'stale';

/** What a worker has sent cannot be part of the sum. The message is a sentence for people. */
export class Refusal extends Error {
  constructor(
    readonly worker: number,
    readonly kind: RefusalKind,
    reason: string,
  ) {
    super(`The gradient of worker ${worker} is refused: ${reason}.`);
  }
}
