import { fileSource, memorySource } from './byte-source.js';
import { denseTensor } from './dense-tensor.js';
import { headerLength, parseHeader } from './safetensors-header.js';
import type { WeightsFile } from './weights-file.js';

/**
 * Opens a safetensors file by its path, or one that is in memory already. The header is checked at once; values are
 * read tensor by tensor, by range. A missing or damaged file is a UserError that names the file and the tensor. The
 * tensors come in the order of their bytes.
 */
export function readSafetensors(data: string | Uint8Array): WeightsFile {
  const source = typeof data === 'string' ? fileSource(data) : memorySource(data, 'the safetensors data');
  const { place, bytes } = source;
  const first = source.range(0, Math.min(8, bytes));
  const json = source.range(8, headerLength(first, bytes, place));
  const { metadata, tensors } = parseHeader(json, bytes, place);
  return { place, metadata, tensors: new Map(tensors.map((it) => [it.name, denseTensor(source, it)])) };
}
