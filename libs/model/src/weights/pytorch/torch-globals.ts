import { quoted } from '../quoted.js';
import { type WeightDtype, isSize } from '../weight-dtype.js';
import { PickleCallable, type PickleHost } from './pickle-machine.js';
import { damaged, refused } from './pytorch-error.js';
import { TorchRecord, TorchStorage, TorchTensor, tensorOf } from './torch-tensor.js';

/** What stands for a storage class or a dtype of PyTorch. */
class TorchType {
  constructor(readonly dtype: WeightDtype) {}
}

// Source: PyTorch's torch/storage.py (`_dtype_to_storage_type_map`). An untyped storage counts bytes.
const STORAGES: Readonly<Record<string, WeightDtype>> = {
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  DoubleStorage: 'F64',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
  ComplexFloatStorage: 'C64',
  UntypedStorage: 'U8',
};

const DTYPES: Readonly<Record<string, WeightDtype>> = {
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  float64: 'F64',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  uint16: 'U16',
  uint32: 'U32',
  uint64: 'U64',
  bool: 'BOOL',
  complex64: 'C64',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
  float8_e8m0fnu: 'F8_E8M0',
};

export interface TorchHost extends PickleHost {
  /** The storages that were asked for so far, by their keys. */
  readonly storages: ReadonlyMap<string, TorchStorage>;
}

/**
 * The names that a PyTorch file may use: those of tensors, storages and containers, and TorchScript's own classes, which
 * become records. Everything else is a UserError that names it.
 */
export function torchHost(place: string): TorchHost {
  const callables = torchCallables(place);
  const storages = new Map<string, TorchStorage>();
  return {
    storages,
    global(module, name) {
      const full = `${module}.${name}`;
      if (module === '__torch__' || module.startsWith('__torch__.'))
        return new PickleCallable(full, () => new TorchRecord());
      const storage = storageDtype(module, name);
      if (storage !== undefined) return new TorchType(storage);
      if (module === 'torch' && Object.hasOwn(DTYPES, name)) return new TorchType(DTYPES[name]!);
      const callable = callables.get(full);
      if (callable === undefined) throw refused(place, quoted(full));
      return callable;
    },
    persistent(id) {
      const storage = storageOf(place, id);
      if (!storages.has(storage.key)) storages.set(storage.key, storage);
      return storage;
    },
  };
}

function storageDtype(module: string, name: string): WeightDtype | undefined {
  const isOurs = ['torch', 'torch.storage', 'torch.cuda'].includes(module);
  return isOurs && Object.hasOwn(STORAGES, name) ? STORAGES[name] : undefined;
}

function torchCallables(place: string): Map<string, PickleCallable> {
  const first = ([value]: readonly unknown[]) => value;
  const tensor = (args: readonly unknown[]) => tensorOf(place, undefined, args);
  const functions: Record<string, (args: readonly unknown[]) => unknown> = {
    'collections.OrderedDict': ([pairs]) => dictOf(place, pairs),
    'builtins.set': ([items]) => (Array.isArray(items) ? [...(items as unknown[])] : []),
    '__builtin__.set': ([items]) => (Array.isArray(items) ? [...(items as unknown[])] : []),
    'torch.Size': first,
    'torch.device': () => null,
    'torch.Tensor': first,
    'torch.nn.parameter.Parameter': first,
    'torch._utils._rebuild_parameter': first,
    'torch._utils._rebuild_parameter_with_state': first,
    'torch._utils._rebuild_tensor': tensor,
    'torch._utils._rebuild_tensor_v2': (args) => {
      requirePlain(place, args[6]);
      return tensor(args);
    },
    'torch._utils._rebuild_tensor_v3': (args) => {
      requirePlain(place, args[7]);
      const dtype = args[6];
      if (!(dtype instanceof TorchType)) throw damaged(place, 'a tensor in it has no dtype');
      return tensorOf(place, dtype.dtype, args);
    },
    'torch._tensor._rebuild_from_type_v2': ([rebuild, , args]) => {
      if (!(rebuild instanceof PickleCallable) || !Array.isArray(args))
        throw damaged(place, 'a tensor in it has no function that makes it');
      const rebuilt = rebuild.call(args);
      if (!(rebuilt instanceof TorchTensor)) throw refused(place, quoted(rebuild.name));
      return rebuilt;
    },
    'torch.jit._pickle.restore_type_tag': first,
  };
  for (const kind of ['int', 'double', 'bool', 'tensor'])
    functions[`torch.jit._pickle.build_${kind}list`] = first;
  return new Map(Object.entries(functions).map(([name, call]) => [name, new PickleCallable(name, call)]));
}

/** Python 2 wrote a dict's pairs as an argument, Python 3 sets them afterwards. */
function dictOf(place: string, pairs: unknown): Map<unknown, unknown> {
  const dict = new Map<unknown, unknown>();
  for (const pair of Array.isArray(pairs) ? (pairs as unknown[]) : []) {
    if (!Array.isArray(pair) || pair.length !== 2) throw damaged(place, 'a dict in it is made of no pairs');
    dict.set(pair[0], pair[1]);
  }
  return dict;
}

/** A conjugated or negated view holds other values than its storage; there are none in saved weights. */
function requirePlain(place: string, metadata: unknown): void {
  if (metadata instanceof Map && [...metadata.values()].includes(true))
    throw refused(place, 'a conjugated or negated tensor');
}

/**
 * A storage from its persistent id: `('storage', class, key, device, count)`, in legacy files with a sixth entry: null,
 * or `(key, first, count)` of the part that is meant.
 */
function storageOf(place: string, id: unknown): TorchStorage {
  if (!Array.isArray(id)) throw damaged(place, 'a persistent id in it is no tuple');
  const [kind, type, key, , count, view = null] = id as unknown[];
  if (kind === 'module') throw refused(place, 'a whole model with its Python code');
  if (kind !== 'storage' || !(type instanceof TorchType))
    throw refused(place, 'an object that is no storage');
  if ((typeof key !== 'string' && typeof key !== 'number') || !isSize(count))
    throw damaged(place, 'a storage in it has no name or no size');
  if (view === null) return new TorchStorage(String(key), type.dtype, count, 0);
  const [, skipped, viewed] = Array.isArray(view) ? (view as unknown[]) : [];
  if (!isSize(skipped) || !isSize(viewed) || skipped + viewed > count)
    throw damaged(place, `a part of storage ${quoted(String(key))} lies outside of it`);
  return new TorchStorage(String(key), type.dtype, count, skipped);
}
