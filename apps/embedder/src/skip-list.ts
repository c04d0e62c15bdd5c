import type { ObjectStore } from '@captrain/data';
import type { SkippedPicture } from './pictures.js';

/** Lies beside the manifest: one line of JSON for every picture that was skipped. */
const skippedPath = 'skipped.jsonl';
const shown = 5;

/** Pictures that could not be read: the first few are shown at once, all of them are written. */
export class SkipList {
  readonly #skipped: SkippedPicture[] = [];

  constructor(private readonly show: (line: string) => void) {}

  add(picture: SkippedPicture): void {
    this.#skipped.push(picture);
    if (this.count <= shown) this.show(`skipped ${picture.file}: ${picture.reason}`);
    if (this.count === shown + 1) this.show(`more are skipped; ${skippedPath} will list them all`);
  }

  get count(): number {
    return this.#skipped.length;
  }

  /** For a progress bar: "3 skipped", or nothing. */
  get note(): string {
    return this.count > 0 ? `${this.count} skipped` : '';
  }

  /** The first picture and its reason, for an error message. */
  get first(): string {
    const [first] = this.#skipped;
    return first ? `${first.file}: ${first.reason}` : '';
  }

  /** Writes the list, or removes that of an earlier job where nothing was skipped. */
  async write(store: ObjectStore): Promise<void> {
    if (this.count === 0) return store.delete(skippedPath);
    const lines = this.#skipped.map((picture) => `${JSON.stringify(picture)}\n`);
    await store.put(skippedPath, lines.join(''));
  }
}
