import type { ByteSource } from '../byte-source.js';
import { quoted } from '../quoted.js';
import { BYTES_OF_DTYPE } from '../weight-dtype.js';
import { ByteCursor } from './byte-cursor.js';
import { tensorsByName } from './dotted-names.js';
import { damaged, refused } from './pytorch-error.js';
import { MAX_PICKLE_BYTES, type StorageRange, type TorchContents } from './torch-contents.js';
import { type TorchHost, torchHost } from './torch-globals.js';
import { unpickle } from './unpickle.js';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/**
 * What a file of `torch.save` before version 1.6 holds, or of one told not to write a zip: five pickles (magic number,
 * protocol, machine, object, storage keys), then each storage's count of values and its bytes. Source: PyTorch's
 * torch/serialization.py (`_legacy_save`).
 */
export function readLegacyFile(source: ByteSource): TorchContents {
  const { place } = source;
  const cursor = new ByteCursor(source, 0, Math.min(source.bytes, MAX_PICKLE_BYTES));
  const host = torchHost(place);
  if (unpickle(cursor, host) !== MAGIC)
    throw damaged(place, 'it begins with a pickle that is no file of torch.save');
  const protocol = unpickle(cursor, host);
  if (protocol !== PROTOCOL) throw damaged(place, 'it has another protocol than 1001');
  const machine = unpickle(cursor, host);
  if (machine instanceof Map && machine.get('little_endian') === false)
    throw refused(place, 'values in big-endian order');
  const tensors = tensorsByName(unpickle(cursor, host), place);
  const keys = unpickle(cursor, host);
  if (!Array.isArray(keys)) throw damaged(place, 'it has no list of storages');
  return { tensors, storages: storageRanges(source, cursor.position, keys, host) };
}

function storageRanges(
  source: ByteSource,
  start: number,
  keys: readonly unknown[],
  host: TorchHost,
): Map<string, StorageRange> {
  const { place } = source;
  const ranges = new Map<string, StorageRange>();
  let position = start;
  for (const key of keys.map(String)) {
    const storage = host.storages.get(key);
    if (storage === undefined || ranges.has(key))
      throw damaged(place, `its list of storages names ${quoted(key)}, which no tensor has, or twice`);
    const count = new ByteCursor(source, position, Math.min(position + 8, source.bytes)).length64();
    const range = { offset: position + 8, bytes: count * BYTES_OF_DTYPE[storage.dtype] };
    if (count < storage.count)
      throw damaged(place, `storage ${quoted(key)} has ${count} values instead of ${storage.count}`);
    position = range.offset + range.bytes;
    if (position > source.bytes) throw damaged(place, `it ends in the middle of storage ${quoted(key)}`);
    ranges.set(key, range);
  }
  if (position !== source.bytes)
    throw damaged(place, `${source.bytes - position} bytes follow the last storage`);
  const missing = [...host.storages.keys()].find((key) => !ranges.has(key));
  if (missing !== undefined) throw damaged(place, `it lacks storage ${quoted(missing)}`);
  return ranges;
}
