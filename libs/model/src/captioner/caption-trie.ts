/** Captions of an image by what they begin with: a node for each row, the root being the prefix. */
export class CaptionTrie {
  readonly children = new Map<number, CaptionTrie>();
  /** The tokens that follow here, once for each caption that has them. */
  readonly targets: number[] = [];

  /** Nodes from here on. */
  get size(): number {
    let size = 1;
    for (const child of this.children.values()) size += child.size;
    return size;
  }

  /** Adds a caption's tokens, the last of which is a target only. */
  add([word, ...rest]: readonly number[]): void {
    if (word === undefined) return;
    this.targets.push(word);
    if (rest.length === 0) return;
    let next = this.children.get(word);
    if (next === undefined) this.children.set(word, (next = new CaptionTrie()));
    next.add(rest);
  }
}
