import type { LayoutEntry, ParameterLayout } from '../layout.js';

/**
 * What a checkpoint's file holds: trained parameters, AdamW's running means of gradients and of their squares, or, of a run
 * with local steps, the momentum of its outer updates.
 */
export type FileKind = 'model' | 'optimizer' | 'outer';

/** Which of a state's flat arrays, all in the parameters' layout; `outer` is there with local steps alone. */
export type StateArray = 'parameters' | 'mean' | 'square' | 'outer';

/** A tensor of a checkpoint's file, which lies at [first, end) of a flat array. */
export interface StateTensor {
  /** In the file: PyTorch's. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly array: StateArray;
  readonly first: number;
  readonly end: number;
}

export interface StateFile {
  readonly name: string;
  readonly kind: FileKind;
  readonly tensors: readonly StateTensor[];
  /** Values of all its tensors. */
  readonly length: number;
}

/** Bytes of tensors in one file, at most; a larger tensor has a file of its own. */
const MAX_FILE_BYTES = 256 * 2 ** 20;

// PyTorch's names of AdamW's two moments, and of SGD's momentum.
const PREFIX = { parameters: '', mean: 'exp_avg.', square: 'exp_avg_sq.', outer: 'momentum_buffer.' };

export interface CheckpointFilesOptions {
  /** Whether the state has an outer momentum. Default: false. */
  readonly outer?: boolean;
  readonly maxFileBytes?: number | undefined;
}

/**
 * The files of a checkpoint, a function of the layout and of what a state has: cut between tensors where one would become
 * too large, and named as shards are on the Hugging Face hub.
 */
export function checkpointFiles(
  layout: ParameterLayout,
  { outer = false, maxFileBytes = MAX_FILE_BYTES }: CheckpointFilesOptions = {},
): StateFile[] {
  const tensors = (array: StateArray) => layout.entries.map((entry) => stateTensor(array, entry));
  return [
    ...filesOf('model', tensors('parameters'), maxFileBytes),
    ...filesOf('optimizer', [...tensors('mean'), ...tensors('square')], maxFileBytes),
    ...(outer ? filesOf('outer', tensors('outer'), maxFileBytes) : []),
  ];
}

/** What a file of a checkpoint holds, by its name; undefined for one of another kind. */
export function kindOfFile(name: string): FileKind | undefined {
  return /^(model|optimizer|outer)(-\d{5}-of-\d{5})?\.safetensors$/.exec(name)?.[1] as FileKind | undefined;
}

/** The names of a checkpoint's files of one kind, in order; `files` are those that its manifest names. */
export function namesOfKind(kind: FileKind, files: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(files)
    .filter((name) => kindOfFile(name) === kind)
    .sort();
}

function stateTensor(array: StateArray, { name, shape, offset, length }: LayoutEntry): StateTensor {
  return { name: PREFIX[array] + name, shape, array, first: offset, end: offset + length };
}

function filesOf(kind: FileKind, tensors: readonly StateTensor[], maxFileBytes: number): StateFile[] {
  const parts: StateTensor[][] = [];
  let bytes = Infinity;
  for (const tensor of tensors) {
    const more = 4 * (tensor.end - tensor.first);
    bytes += more;
    if (bytes > maxFileBytes) {
      parts.push([]);
      bytes = more;
    }
    parts.at(-1)!.push(tensor);
  }
  const digits = (number: number) => String(number).padStart(5, '0');
  return parts.map((part, i) => ({
    name: `${kind}${parts.length === 1 ? '' : `-${digits(i + 1)}-of-${digits(parts.length)}`}.safetensors`,
    kind,
    tensors: part,
    length: part.reduce((sum, { first, end }) => sum + end - first, 0),
  }));
}
