import type { ByteSource } from '../byte-source.js';
import type { WeightsFile } from '../weights-file.js';
import { readLegacyFile } from './legacy-file.js';
import { stridedTensor } from './strided-tensor.js';
import { readZipFile } from './zip-file.js';

/**
 * Opens what PyTorch saved: a zip file (`torch.save`, TorchScript) or one in the format before version 1.6. Nothing in it
 * is executed: tensors and plain containers are read, and whatever else it asks for is a UserError that names it, as
 * is all that is damaged. Tensors are named by the path that leads to them (`state_dict.h.0.weight`), in its order.
 */
export async function readPytorch(source: ByteSource): Promise<WeightsFile> {
  const first = Buffer.from(source.range(0, Math.min(2, source.bytes))).toString('latin1');
  const { tensors, storages } = first === 'PK' ? await readZipFile(source) : readLegacyFile(source);
  const named = [...tensors].map(
    ([name, tensor]) =>
      [name, stridedTensor(source, name, tensor, storages.get(tensor.storage.key)!)] as const,
  );
  return { place: source.place, metadata: {}, tensors: new Map(named) };
}
