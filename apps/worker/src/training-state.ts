import { type BackgroundCopy, copyOut, copyOutInBackground } from '@captrain/engine';
import { SharedMemory } from '@captrain/engine/sums';
import type { AdamW, Captioner } from '@captrain/model';
import { type StateArray, type StateFile, checkpointFiles } from '@captrain/model/run';
import { sha256 } from '@captrain/runtime';
import { type FileValues, Snapshot } from './snapshot.js';
import { type StateFacts, stateDigest } from './state-digest.js';

/** Parameters, both moments, and the outer momentum where there is one; each flat. */
export type StateArrays = readonly [
  parameters: Float32Array,
  mean: Float32Array,
  square: Float32Array,
  outer?: Float32Array | undefined,
];

/**
 * What training changes, and every worker keeps identical: parameters, the optimizer's moments, the momentum of outer
 * updates where there are local steps, and the number of steps.
 */
export class TrainingState {
  /** SHA-256 of the parameters' names and shapes, and of what is not trained. */
  readonly layoutDigest: string;
  private readonly files: readonly StateFile[];
  private readonly outer: Float32Array | undefined;
  /** Room for a copy of the state, and whether it is one of the present state. */
  private copied: StateArrays | undefined;
  private isCopied = false;
  private doneSteps = 0;
  /** Of the present state, once it was computed. */
  private knownDigest: string | undefined;
  /** What is being copied of the present state. */
  private readonly snapshots = new Set<Snapshot>();
  /** Memory of snapshots that have been written. */
  private readonly rooms: SharedMemory[] = [];

  constructor(
    private readonly captioner: Captioner,
    private readonly optimizer: AdamW,
    { outer = false }: { outer?: boolean } = {},
  ) {
    this.layoutDigest = sha256(JSON.stringify(captioner.layout.entries), captioner.frozenDigest());
    this.files = checkpointFiles(captioner.layout, { outer });
    this.outer = outer ? new Float32Array(captioner.layout.length) : undefined;
  }

  /** Trainable values. */
  get parameters(): number {
    return this.captioner.layout.length;
  }

  /** Steps done, skipped ones included. */
  get step(): number {
    return this.doneSteps;
  }

  /** Updates that the optimizer has counted. */
  get updates(): number {
    return this.optimizer.step;
  }

  /** The files that a checkpoint is made of. */
  get fileNames(): string[] {
    return this.files.map(({ name }) => name);
  }

  /** Flat arrays that it consists of. */
  get arrayCount(): number {
    return this.outer === undefined ? 3 : 4;
  }

  /** The next step: AdamW by the gradient's sum over `captionTokens` tokens. */
  apply(gradient: Float32Array, update: { learningRate: number; captionTokens: number }): void {
    this.settle();
    const { learningRate, captionTokens } = update;
    this.optimizer.apply(gradient, { scale: 1 / captionTokens, learningRate });
    this.isCopied = false;
    this.advance(this.doneSteps + 1);
  }

  /** Steps up to this one are left out. */
  skipTo(step: number): void {
    this.advance(step);
  }

  /** Parameters and moments as they are now, in an excursion, too; and the outer momentum where there is room for it. */
  copyTo([parameters, m, v, outer]: StateArrays): void {
    copyOut(this.captioner.variables, parameters);
    this.optimizer.copyMoments({ m, v });
    if (this.outer) outer?.set(this.outer);
  }

  /** The present state in memory of its own; whoever changes it has to `take` what it is then. */
  present(): StateArrays {
    const array = () => new Float32Array(this.parameters);
    const copy = (this.copied ??= [array(), array(), array(), this.outer]);
    if (!this.isCopied) this.copyTo(copy);
    this.isCopied = true;
    return copy;
  }

  /** Lets `walk` change parameters and moments; whatever comes of it, the present state is back afterwards. */
  async excursion(walk: (optimizer: AdamW) => Promise<void>): Promise<void> {
    this.settle();
    const { updates } = this;
    const present = this.present();
    try {
      await walk(this.optimizer);
    } finally {
      this.load(updates, present);
    }
  }

  /** Takes over a state after so many steps, of which the optimizer has counted `updates`. */
  take(step: number, updates: number, arrays: StateArrays): void {
    this.settle();
    this.load(updates, arrays);
    this.outer?.set(arrays[3]!);
    this.isCopied = arrays === this.copied;
    this.advance(step);
  }

  /** Of the whole state, as `stateDigest` has it; that must not change meanwhile. */
  async digest(): Promise<string> {
    const { captioner, optimizer, outer } = this;
    const moments = [optimizer.momentTensors('mean'), optimizer.momentTensors('square')];
    const arrays = [captioner.variables, ...moments, ...(outer ? [outer] : [])];
    return (this.knownDigest ??= await stateDigest(this.facts(), arrays));
  }

  /** The same of a state that is not this one, at another step. */
  digestOf(step: number, updates: number, arrays: StateArrays): Promise<string> {
    return stateDigest(
      { ...this.facts(), step, updates },
      arrays.filter((array) => array !== undefined),
    );
  }

  /** Starts to copy what these files of a checkpoint hold of the present state. */
  snapshot(names: readonly string[]): Snapshot {
    const started = performance.now();
    const copies: BackgroundCopy[] = [];
    const files = this.files
      .filter(({ name }) => names.includes(name))
      .map((file): FileValues => {
        const memory = this.roomFor(file);
        copies.push(...this.copiesOf(file, memory.floats()));
        return { file, memory };
      });
    const stallSeconds = (performance.now() - started) / 1000;
    const giveBack = (memory: SharedMemory) => void this.rooms.push(memory);
    const snapshot = new Snapshot(this.step, this.updates, files, copies, stallSeconds, giveBack);
    this.snapshots.add(snapshot);
    return snapshot;
  }

  /** Memory of snapshots is used again: the first touch of fresh memory takes longer than many a step. */
  private roomFor({ length }: StateFile): SharedMemory {
    const index = this.rooms.findIndex(({ bytes }) => bytes === length * 4);
    return this.rooms.splice(index, index < 0 ? 0 : 1)[0] ?? SharedMemory.create(length * 4);
  }

  /** The tensors of one flat array follow each other in a file without gaps. */
  private copiesOf({ tensors }: StateFile, into: Float32Array): BackgroundCopy[] {
    let offset = 0;
    const arrays: readonly StateArray[] = ['parameters', 'mean', 'square', 'outer'];
    return arrays.flatMap((array) => {
      const own = tensors.filter((tensor) => tensor.array === array);
      if (own.length === 0) return [];
      const range = { first: own[0]!.first, end: own.at(-1)!.end };
      const part = into.subarray(offset, (offset += range.end - range.first));
      return this.copy(array, range, part);
    });
  }

  private copy(array: StateArray, range: { first: number; end: number }, into: Float32Array): BackgroundCopy {
    if (array === 'outer') {
      into.set(this.outer!.subarray(range.first, range.end));
      return { done: Promise.resolve(), wait: () => {} };
    }
    if (array !== 'parameters') return this.optimizer.copyInBackground(array, range, into);
    const { layout, variables } = this.captioner;
    const isIn = (i: number) =>
      layout.entries[i]!.offset >= range.first && layout.entries[i]!.offset < range.end;
    return copyOutInBackground(
      variables.filter((_, i) => isIn(i)),
      into,
    );
  }

  private load(updates: number, [parameters, m, v]: StateArrays): void {
    this.captioner.importFlat(parameters);
    this.optimizer.importState({ step: updates, m, v });
  }

  /** What is copied is done before it changes. */
  private settle(): void {
    for (const snapshot of this.snapshots) snapshot.settle();
    this.snapshots.clear();
  }

  private facts(): StateFacts {
    const { step, updates, layoutDigest } = this;
    return { step, updates, layoutDigest };
  }

  private advance(step: number): void {
    this.doneSteps = step;
    this.knownDigest = undefined;
  }
}
