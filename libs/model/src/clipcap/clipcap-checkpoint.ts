import { UserError } from '@captrain/runtime';
import type { SourceTensor, SourceTensors } from '../captioner-folder/source-tensors.js';

/** A file of named tensors, whatever its format. */
export interface NamedTensors {
  /** The file, for messages. */
  place: string;
  tensors: SourceTensors;
}

/** A ClipCap checkpoint's tensors, sorted by what they belong to. */
export interface ClipCapCheckpoint {
  place: string;
  /** Under the reference's names, `clip_project.…`. */
  mapper: SourceTensors;
  /** Without `gpt.`; empty where the file holds the mapper alone. */
  gpt2: SourceTensors;
}

const MAPPER = 'clip_project.';
const LANGUAGE_MODEL = 'gpt.';

/**
 * Sorts the tensors of a state dict as rmokady/CLIP_prefix_caption saves it. Whatever stands before `clip_project.` in
 * all names (`module.` of data parallel training, `state_dict.` of frameworks) is cut off. A file that is no such
 * checkpoint, or holds more than one, is a UserError.
 */
export function readClipCapCheckpoint({ place, tensors }: NamedTensors): ClipCapCheckpoint {
  const outer = [...tensors.keys()].find((name) => /(^|\.)clip_project\./.test(name));
  if (outer === undefined)
    throw new UserError(
      `${place} is no ClipCap checkpoint: none of its ${tensors.size} tensors is named clip_project.…; name another file.`,
    );
  const root = outer.slice(0, outer.lastIndexOf(MAPPER));
  const mapper = new Map<string, SourceTensor>();
  const gpt2 = new Map<string, SourceTensor>();
  const foreign: string[] = [];
  for (const [found, tensor] of tensors) {
    const name = found.startsWith(root) ? found.slice(root.length) : found;
    if (name.startsWith(MAPPER)) mapper.set(name, tensor);
    else if (name.startsWith(LANGUAGE_MODEL)) gpt2.set(name.slice(LANGUAGE_MODEL.length), tensor);
    else foreign.push(found);
  }
  if (foreign.length === 0) return { place, mapper, gpt2 };
  const more = foreign.length > 4 ? ` and ${foreign.length - 4} more` : '';
  throw new UserError(
    `${place} holds more than a ClipCap model, ${foreign.slice(0, 4).join(', ')}${more}; save the model's state dict alone.`,
  );
}
