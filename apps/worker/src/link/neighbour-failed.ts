/** A neighbour cannot be exchanged with. */
export class NeighbourFailed extends Error {
  override readonly name = 'NeighbourFailed';

  constructor(
    readonly worker: number,
    /** It answers, but its memory cannot be read from here. */
    readonly unreadable: boolean,
    cause: unknown,
  ) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
