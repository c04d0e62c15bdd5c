import type { ObjectStore } from '@captrain/data';
import { formatCount } from '@captrain/runtime';
import type { SkippedPicture } from './pictures.js';

/** Lies beside the manifest: one line of JSON for every picture that was skipped. */
const skippedPath = 'skipped.jsonl';
const shown = 5;

/** Pictures that could not be read: the first few are shown at once, all of them are written. */
export class SkipList {
  readonly #skipped: SkippedPicture[] = [];
  #unreadable = 0;

  constructor(private readonly show: (line: string) => void) {}

  add(picture: SkippedPicture): void {
    this.#skipped.push(picture);
    this.#unreadable++;
    if (this.#unreadable <= shown) this.show(`skipped ${picture.file}: ${picture.reason}`);
    if (this.#unreadable === shown + 1) this.show(`more are skipped; ${skippedPath} will list them all`);
  }

  /** Pictures that are not there at all. */
  addMissing(files: readonly string[]): void {
    for (const file of files) this.#skipped.push({ imageId: null, file, reason: 'there is no such file' });
    if (files.length > 0) this.show(`skipped ${formatCount(files.length)} pictures that are not there`);
  }

  get count(): number {
    return this.#skipped.length;
  }

  /** For a progress bar: "3 skipped", or nothing. */
  get note(): string {
    return this.count > 0 ? `${formatCount(this.count)} skipped` : '';
  }

  /** Pictures that are there and cannot be read. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /** The first of those with its reason, for an error message. */
  get firstUnreadable(): string {
    const first = this.#skipped.find(({ imageId }) => imageId !== null);
    return first ? `${first.file}: ${first.reason}` : '';
  }

  /** Writes the list, or removes that of an earlier job where nothing was skipped. */
  async write(store: ObjectStore): Promise<void> {
    if (this.count === 0) return store.delete(skippedPath);
    const lines = this.#skipped.map((picture) => `${JSON.stringify(picture)}\n`);
    await store.put(skippedPath, lines.join(''));
  }
}
