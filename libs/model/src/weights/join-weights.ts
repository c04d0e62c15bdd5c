import { UserError } from '@captrain/runtime';
import { quoted } from './quoted.js';
import type { WeightTensor, WeightsFile } from './weights-file.js';

/** Files that are one model's shards as one; `place` names them in messages. A tensor that is in two is a UserError. */
export function joinWeights(files: readonly WeightsFile[], place: string): WeightsFile {
  const tensors = new Map<string, WeightTensor>();
  for (const file of files)
    for (const [name, tensor] of file.tensors) {
      if (tensors.has(name))
        throw new UserError(
          `${file.place} holds tensor ${quoted(name)}, which another of its shards holds too; fetch or write them again.`,
        );
      tensors.set(name, tensor);
    }
  return { place, metadata: files[0]?.metadata ?? {}, tensors };
}
