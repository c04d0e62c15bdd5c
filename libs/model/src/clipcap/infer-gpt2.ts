import { UserError } from '@captrain/runtime';
import type { SourceTensors } from '../captioner-folder/source-tensors.js';
import { type Gpt2Config, gpt2Shapes } from '../gpt2/gpt2-config.js';
import { gpt2ParameterName } from '../gpt2/gpt2-names.js';
import { renamedTensors } from '../load-parameters.js';
import type { ClipCapCheckpoint } from './clipcap-checkpoint.js';

/** Sizes of a GPT-2, as the shapes of its weights tell them. */
export interface Gpt2Sizes {
  layers: number;
  width: number;
  vocabulary: number;
  positions: number;
}

/** The sizes of the GPT-2 in a checkpoint; undefined where it holds none. */
export function gpt2SizesOf({ gpt2 }: ClipCapCheckpoint): Gpt2Sizes | undefined {
  const words = gpt2.get('transformer.wte.weight')?.shape;
  const positions = gpt2.get('transformer.wpe.weight')?.shape;
  if (words === undefined || positions === undefined) return undefined;
  const layers = [...gpt2.keys()].map((name) => Number(/^transformer\.h\.(\d+)\./.exec(name)?.[1] ?? -1));
  return {
    layers: Math.max(...layers) + 1,
    width: words[1]!,
    vocabulary: words[0]!,
    positions: positions[0]!,
  };
}

/**
 * A checkpoint's GPT-2 under the hub's names, compared with the config of the language model that it is said to be. One
 * of other sizes, and a head of its own where the config has none, is a UserError.
 */
export function checkpointGpt2(
  checkpoint: ClipCapCheckpoint,
  config: Gpt2Config,
  languageModel: string,
): SourceTensors {
  const { gpt2, place } = checkpoint;
  const found = gpt2SizesOf(checkpoint);
  const expected = {
    layers: config.n_layer,
    width: config.n_embd,
    vocabulary: config.vocab_size,
    positions: config.n_positions,
  };
  if (found !== undefined && inWords(found) !== inWords(expected))
    throw new UserError(
      `${place} holds a GPT-2 of ${inWords(found)}, and ${languageModel} is one of ${inWords(expected)}; name the language model that it was trained from.`,
    );
  const tensors = renamedTensors({ place, tensors: gpt2 }, gpt2Shapes(config), (name) =>
    gpt2ParameterName(name, config),
  );
  if (config.tie_word_embeddings) refuseOwnHead(checkpoint, languageModel);
  return tensors;
}

function inWords({ layers, width, vocabulary, positions }: Gpt2Sizes): string {
  return `${layers} layers, width ${width}, ${vocabulary} tokens, ${positions} positions`;
}

/** Where the head is tied, state dicts hold the word embeddings twice: a head that differs would be lost. */
function refuseOwnHead({ gpt2, place }: ClipCapCheckpoint, languageModel: string): void {
  const head = gpt2.get('lm_head.weight')?.read();
  const words = gpt2.get('transformer.wte.weight')?.read();
  if (head === undefined || words === undefined) return;
  if (Buffer.compare(bytesOf(head), bytesOf(words)) === 0) return;
  throw new UserError(
    `the head in ${place} (gpt.lm_head.weight) is not its word embeddings, and ${languageModel} ties the two; set "tie_word_embeddings": false in its config.json.`,
  );
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
