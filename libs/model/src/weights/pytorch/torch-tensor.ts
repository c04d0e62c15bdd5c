import { quoted } from '../quoted.js';
import { type WeightDtype, isSize } from '../weight-dtype.js';
import { damaged } from './pytorch-error.js';

/** The values that one or more tensors of a file are views of. */
export class TorchStorage {
  constructor(
    /** Its name in the file. */
    readonly key: string,
    readonly dtype: WeightDtype,
    /** Values of the whole storage, as the pickle says. */
    readonly count: number,
    /** Values at its front that are not meant: old files name parts of storages. */
    readonly skipped: number,
  ) {}
}

/** A tensor as a pickle describes it: a strided view of a storage. Offset and strides count values. */
export class TorchTensor {
  constructor(
    readonly storage: TorchStorage,
    readonly dtype: WeightDtype,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** A TorchScript object: its class is not known, and its state is all that counts. */
export class TorchRecord {
  #state: unknown = null;

  get state(): unknown {
    return this.#state;
  }

  setState(state: unknown): void {
    this.#state = state;
  }
}

/** The tensor that PyTorch's `_rebuild_tensor` would make of these. What cannot be one is a UserError. */
export function tensorOf(
  place: string,
  dtype: WeightDtype | undefined,
  [storage, offset, shape, strides]: readonly unknown[],
): TorchTensor {
  if (!(storage instanceof TorchStorage)) throw damaged(place, 'a tensor in it has no storage');
  if (!isSize(offset) || !isSizes(shape) || !isSizes(strides) || shape.length !== strides.length)
    throw damaged(place, `a tensor of storage ${quoted(storage.key)} has a shape that cannot be`);
  return new TorchTensor(storage, dtype ?? storage.dtype, storage.skipped + offset, shape, strides);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isSize);
}
