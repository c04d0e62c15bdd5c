import type { ByteSource } from '../byte-source.js';
import { quoted } from '../quoted.js';
import { BYTES_OF_DTYPE } from '../weight-dtype.js';
import { ByteCursor } from './byte-cursor.js';
import { tensorsByName } from './dotted-names.js';
import { damaged, refused } from './pytorch-error.js';
import { MAX_PICKLE_BYTES, type StorageRange, type TorchContents } from './torch-contents.js';
import { torchHost } from './torch-globals.js';
import { unpickle } from './unpickle.js';
import { ZipArchive } from './zip-archive.js';

/**
 * What a zip file of PyTorch holds: `torch.save`'s since version 1.6, and TorchScript's. The object is the record
 * `data.pkl`, each storage a record `data/KEY`. Source: PyTorch's torch/serialization.py (`_save`).
 */
export async function readZipFile(source: ByteSource): Promise<TorchContents> {
  const { place } = source;
  const archive = await ZipArchive.open(source);
  try {
    await requireLittleEndian(archive, source);
    const pickle = await archive.range('data.pkl');
    if (pickle.bytes > MAX_PICKLE_BYTES) throw damaged(place, `its data.pkl has ${pickle.bytes} bytes`);
    const host = torchHost(place);
    const cursor = new ByteCursor(source, pickle.offset, pickle.offset + pickle.bytes);
    const tensors = tensorsByName(unpickle(cursor, host), place);
    const storages = new Map<string, StorageRange>();
    for (const { key, dtype, count } of host.storages.values()) {
      const range = await archive.range(`data/${key}`);
      if (range.bytes < count * BYTES_OF_DTYPE[dtype])
        throw damaged(
          place,
          `storage ${quoted(key)} has ${range.bytes} bytes for ${count} values of ${dtype}`,
        );
      storages.set(key, range);
    }
    return { tensors, storages };
  } finally {
    archive.close();
  }
}

async function requireLittleEndian(archive: ZipArchive, source: ByteSource): Promise<void> {
  if (!archive.has('byteorder')) return;
  const { offset, bytes } = await archive.range('byteorder');
  const order = Buffer.from(source.range(offset, Math.min(bytes, 16))).toString('latin1');
  if (order !== 'little') throw refused(source.place, `values in ${quoted(order)}-endian order`);
}
