import { existsSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Gpt2Config, gpt2Shapes } from '../gpt2/gpt2-config.js';
import { gpt2ParameterName } from '../gpt2/gpt2-names.js';
import { renamedTensors } from '../load-parameters.js';
import { readJsonObject } from '../read-json.js';
import { TOKENIZER_FILES } from '../text/tokenizer-file-names.js';
import { Tokenizer } from '../text/tokenizer.js';
import { openModelWeights } from '../weights/model-weights.js';
import type { StoredDtype } from '../config.js';
import type { SourceTensors } from './source-tensors.js';

/** Whatever a tokenizer may consist of, and the defaults of text generation: copied as they are. */
const companions = [...TOKENIZER_FILES, 'generation_config.json'];

/** The weights in a GPT-2's folder, not read yet, under the hub's names. What does not fit its config is a UserError. */
export async function gpt2Tensors(folder: string, config: Gpt2Config): Promise<SourceTensors> {
  const { tensors } = await openModelWeights(folder);
  return renamedTensors({ place: folder, tensors }, gpt2Shapes(config), (name) =>
    gpt2ParameterName(name, config),
  );
}

/**
 * Copies config and tokenizer of a language model. The config gets the dtype that its weights are stored in now, and the
 * ids of the tokens that begin and end a text where it lacks them: transformers would take those of the English GPT-2.
 */
export async function copyCompanions(from: string, to: string, dtype: StoredDtype): Promise<void> {
  const { endOfTextId } = await Tokenizer.load(from);
  const ends = { bos_token_id: endOfTextId, eos_token_id: endOfTextId };
  // Both names of it: transformers 4 knows the first alone, transformers 5 prefers the second.
  const config = { ...ends, ...readJsonObject(from, 'config.json'), torch_dtype: dtype, dtype };
  await writeFile(path.join(to, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  for (const name of companions) {
    const file = path.join(from, name);
    if (existsSync(file)) await copyFile(file, path.join(to, name));
  }
}
