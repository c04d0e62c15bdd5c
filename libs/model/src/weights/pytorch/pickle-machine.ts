import { quoted } from '../quoted.js';
import { damaged, refused } from './pytorch-error.js';

/** Values that a pickle may put on its stack and into its memo: far more than any model's needs. */
const MAX_VALUES = 1 << 20;

/** Something callable that a pickle may name: a function of ours, never the one of that name. */
export class PickleCallable {
  constructor(
    readonly name: string,
    readonly call: (args: readonly unknown[]) => unknown,
  ) {}
}

/** An object that BUILD may give a state. */
export interface Buildable {
  setState(state: unknown): void;
}

/** What a file format lends to its pickles. Both throw a UserError for what is not allowed. */
export interface PickleHost {
  /** What a module's name stands for. */
  global(module: string, name: string): unknown;
  /** What a persistent id stands for. */
  persistent(id: unknown): unknown;
}

/** Stack, marks and memo of an unpickler. Whatever cannot be done with them is a UserError. */
export class PickleMachine {
  readonly #stack: unknown[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, unknown>();
  #values = 0;

  constructor(readonly place: string) {}

  push(value: unknown): void {
    this.#count();
    this.#stack.push(value);
  }

  mark(): void {
    this.#count();
    this.#marks.push(this.#stack.length);
  }

  pop(): unknown {
    this.#requireTop();
    return this.#stack.pop();
  }

  top(): unknown {
    this.#requireTop();
    return this.#stack.at(-1);
  }

  /** What was pushed since the last mark. */
  popToMark(): unknown[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw damaged(this.place, 'its pickle has no mark where it needs one');
    return this.#stack.splice(mark);
  }

  memoize(index = this.#memo.size): void {
    this.#count();
    this.#memo.set(index, this.top());
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw damaged(this.place, `its pickle has no value ${index}`);
    this.push(this.#memo.get(index));
  }

  /** Adds to the list on the top. */
  append(items: unknown[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw damaged(this.place, 'its pickle appends to what is no list');
    for (const item of items) list.push(item);
  }

  /** Adds keys and values, one after the other, to the dict on the top. */
  setItems(items: unknown[]): void {
    const dict = this.top();
    if (!(dict instanceof Map) || items.length % 2 !== 0)
      throw damaged(this.place, 'its pickle sets items of what is no dict');
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  }

  /** Calls what lies below the arguments. */
  call(): void {
    const args = this.pop();
    const callee = this.pop();
    if (!(callee instanceof PickleCallable)) throw refused(this.place, 'a call of what is no function');
    if (!Array.isArray(args)) throw damaged(this.place, `it calls ${quoted(callee.name)} without arguments`);
    this.push(callee.call(args));
  }

  /** Gives the object below the state that state. Attributes of a dict (`_metadata` of a state dict) are no values. */
  build(): void {
    const state = this.pop();
    const target = this.top();
    if (isBuildable(target)) target.setState(state);
    else if (!(target instanceof Map)) throw refused(this.place, 'a state for what is no object');
  }

  #requireTop(): void {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0))
      throw damaged(this.place, 'its pickle takes a value that it never made');
  }

  #count(): void {
    if (++this.#values > MAX_VALUES)
      throw damaged(this.place, `its pickle holds more than ${MAX_VALUES} values`);
  }
}

function isBuildable(value: unknown): value is Buildable {
  return typeof value === 'object' && value !== null && 'setState' in value;
}
