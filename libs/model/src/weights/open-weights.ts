import { UserError } from '@captrain/runtime';
import { fileSource } from './byte-source.js';
import { readPytorch } from './pytorch/read-pytorch.js';
import { readSafetensors } from './read-safetensors.js';
import type { WeightsFile } from './weights-file.js';

/**
 * Opens a weight file of any known format, told by its first bytes: safetensors, or PyTorch's (`.pt`, `.bin`). What is
 * none of them is a UserError.
 */
export async function openWeights(path: string): Promise<WeightsFile> {
  const source = fileSource(path);
  const first = Buffer.from(source.range(0, Math.min(64, source.bytes))).toString('latin1');
  if (first.startsWith('version https://git-lfs'))
    throw new UserError(`${path} is only Git LFS's pointer to the weights; run git lfs pull in its folder.`);
  const isSafetensors = first[8] === '{' || path.endsWith('.safetensors');
  if (isSafetensors) return readSafetensors(path);
  if (first.startsWith('PK\x03\x04') || first.startsWith('\x80')) return readPytorch(source);
  throw new UserError(
    `${path} is neither a safetensors file nor one of PyTorch's torch.save; fetch or write it again.`,
  );
}
