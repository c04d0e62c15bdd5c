/** A queue with one reader: whatever happens in a run is handled one event after another, in order of arrival. */
export class Mailbox<T> {
  private readonly items: T[] = [];
  private wake: (() => void) | undefined;

  post(item: T): void {
    this.items.push(item);
    this.wake?.();
  }

  /** The next item, or undefined once `signal` is aborted and nothing is left. */
  async next(signal?: AbortSignal): Promise<T | undefined> {
    while (this.items.length === 0) {
      if (signal?.aborted) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
      this.wake = undefined;
    }
    return this.items.shift();
  }
}
