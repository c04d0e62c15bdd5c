import { quoted } from '../quoted.js';
import { damaged } from './pytorch-error.js';
import { TorchRecord, TorchTensor } from './torch-tensor.js';

const MAX_DEPTH = 64;
const MAX_VISITS = 1 << 20;
const MAX_NAME = 1024;

/**
 * Every tensor in nested containers, under the path that leads to it: `state_dict.h.0.weight`. A tensor that stands
 * alone is called `tensor`. Containers that hold themselves, too many or too long names, and one name for two tensors
 * are a UserError.
 */
export function tensorsByName(root: unknown, place: string): Map<string, TorchTensor> {
  const found = new Map<string, TorchTensor>();
  let visits = 0;
  const visit = (value: unknown, name: string, depth: number): void => {
    if (++visits > MAX_VISITS || depth > MAX_DEPTH || name.length > MAX_NAME)
      throw damaged(place, 'its containers are nested too deeply, or in a circle');
    if (value instanceof TorchTensor) {
      const path = name === '' ? 'tensor' : name;
      if (found.has(path)) throw damaged(place, `two tensors in it are called ${quoted(path)}`);
      found.set(path, value);
    } else if (value instanceof TorchRecord) {
      visit(value.state, name, depth + 1);
    } else if (value instanceof Map || Array.isArray(value)) {
      for (const [key, item] of value.entries()) visit(item, joined(name, key), depth + 1);
    }
  };
  visit(root, '', 0);
  return found;
}

function joined(name: string, key: unknown): string {
  const part = typeof key === 'object' && key !== null ? 'key' : String(key);
  return name === '' ? part : `${name}.${part}`;
}
