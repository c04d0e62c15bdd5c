/** A queue with one reader: whatever happens in a run is handled one event after another, in order of arrival. */
export class Mailbox<T> {
  private readonly items: T[] = [];
  private wake: (() => void) | undefined;

  post(item: T): void {
    this.items.push(item);
    this.wake?.();
  }

  /**
   * The next item; undefined once `signal` is aborted, or `milliseconds` have passed, and nothing is there.
   */
  async next({
    signal,
    milliseconds,
  }: { signal?: AbortSignal | undefined; milliseconds?: number | undefined } = {}): Promise<T | undefined> {
    if (this.items.length === 0 && !signal?.aborted) {
      await new Promise<void>((resolve) => {
        const timer = milliseconds === undefined ? undefined : setTimeout(() => wake(), milliseconds);
        const wake = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', wake);
          this.wake = undefined;
          resolve();
        };
        this.wake = wake;
        signal?.addEventListener('abort', wake);
      });
    }
    return this.items.shift();
  }
}
