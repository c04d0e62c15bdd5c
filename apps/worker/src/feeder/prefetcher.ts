import { type Lease, type Place, followed, isLikely, keyOf } from './messages.js';

/** How far ahead batches are made. */
export interface PrefetchLimits {
  /** Steps beyond the leased one. */
  readonly steps: number;
  /** Bytes of batches that have been delivered and not taken; those being made may come on top. */
  readonly bytes: number;
  /** Batches being made at once, so that the store's answers are awaited together. */
  readonly atOnce: number;
}

export interface PrefetchOptions<Batch> {
  make(place: Place): Promise<Batch>;
  /** Microbatches of a step in a cut; 0 beyond the last step. */
  countOf(step: number, cut: number): number;
  bytesOf(batch: Batch): number;
  deliver(place: Place, batch: Batch): void;
  /** A batch that was taken cannot be made. */
  fail(place: Place, error: unknown): void;
  readonly limits: PrefetchLimits;
}

interface Entry {
  readonly place: Place;
  state: 'being made' | 'delivered' | 'failed';
  /** Someone waits for it. */
  taken: boolean;
  bytes: number;
}

/**
 * Makes batches before they are taken: those of the lease in its order, then those of the next steps with the same
 * numbers, for a worker mostly keeps its subtree. What is taken without having been foreseen is made at once, ahead of
 * all bounds. A batch that fails while it is made ahead is tried again when it is taken, and only that is reported.
 */
export class Prefetcher<Batch> {
  private lease: Lease | undefined;
  /** Microbatches of the leased step that have been taken. */
  private readonly done = new Set<number>();
  private readonly entries = new Map<string, Entry>();
  private heldBytes = 0;
  private beingMade = 0;

  constructor(private readonly options: PrefetchOptions<Batch>) {}

  /** What is likely to be taken next; what no longer is, is dropped. */
  expect(lease: Lease): void {
    if (this.lease?.step !== lease.step || this.lease.cut !== lease.cut) this.done.clear();
    const now = (this.lease = followed(this.lease, lease));
    for (const entry of this.entries.values()) {
      if (!entry.taken && !isLikely(now, entry.place)) this.forget(entry);
    }
    this.fill();
  }

  /** Delivers the batch as soon as it is there, unless it has been delivered already. */
  take(place: Place): void {
    if (place.step === this.lease?.step && place.cut === this.lease.cut) this.done.add(place.microbatch);
    const entry = this.entries.get(keyOf(place));
    if (entry?.state === 'being made') entry.taken = true;
    else {
      if (entry !== undefined) this.forget(entry);
      if (entry?.state !== 'delivered') void this.make(place, true);
    }
    this.fill();
  }

  private fill(): void {
    const { limits } = this.options;
    for (const place of this.upcoming()) {
      if (this.beingMade >= limits.atOnce || this.heldBytes >= limits.bytes) return;
      if (!this.entries.has(keyOf(place))) void this.make(place, false);
    }
  }

  private *upcoming(): Generator<Place> {
    if (this.lease === undefined) return;
    const { step: first, cut, microbatches } = this.lease;
    for (let step = first; step <= first + this.options.limits.steps; step++) {
      const count = this.options.countOf(step, cut);
      for (const microbatch of microbatches) {
        if (microbatch < count && !(step === first && this.done.has(microbatch)))
          yield { step, cut, microbatch };
      }
    }
  }

  private async make(place: Place, taken: boolean): Promise<void> {
    const entry: Entry = { place, state: 'being made', taken, bytes: 0 };
    this.entries.set(keyOf(place), entry);
    this.beingMade++;
    try {
      const batch = await this.options.make(place);
      if (this.entries.get(keyOf(place)) === entry) {
        entry.state = 'delivered';
        entry.bytes = this.options.bytesOf(batch);
        this.heldBytes += entry.bytes;
        if (entry.taken) this.forget(entry);
        this.options.deliver(place, batch);
      }
    } catch (error) {
      entry.state = 'failed';
      if (entry.taken) {
        this.forget(entry);
        this.options.fail(place, error);
      }
    }
    this.beingMade--;
    this.fill();
  }

  private forget(entry: Entry): void {
    this.heldBytes -= entry.bytes;
    this.entries.delete(keyOf(entry.place));
  }
}
