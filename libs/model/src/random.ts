import { sha256 } from '@captrain/runtime';

/**
 * Random numbers for new weights: a stream of its own for each (seed, name), in plain JavaScript, so that the bits
 * depend neither on the device nor on the order in which tensors are made. The generator is sfc32
 * (PractRand's small fast counter).
 */
export class RandomStream {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, name: string) {
    const words = Buffer.from(sha256(`${seed}\n${name}`), 'hex');
    this.#a = words.readInt32LE(0);
    this.#b = words.readInt32LE(4);
    this.#c = words.readInt32LE(8);
  }

  /** The next 32 random bits as an unsigned integer. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Values uniform in [−bound, bound). */
  uniform(count: number, bound: number): Float32Array {
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = (this.next() / 2 ** 31 - 1) * bound;
    return values;
  }

  /** Values of a normal distribution around 0, by Marsaglia's polar method. */
  normal(count: number, deviation: number): Float32Array {
    const values = new Float32Array(count);
    for (let i = 0; i < count;) {
      const x = this.next() / 2 ** 31 - 1;
      const y = this.next() / 2 ** 31 - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const factor = deviation * Math.sqrt((-2 * Math.log(square)) / square);
      values[i++] = x * factor;
      if (i < count) values[i++] = y * factor;
    }
    return values;
  }
}
