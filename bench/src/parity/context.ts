import path from 'node:path';
import { readSafetensors } from '@captrain/model';
import type { ParityRow } from './row.js';

/** What the parts of the suite work with. */
export interface ParityContext {
  /** A folder that is removed at the end. */
  folder: string;
  /** The folder of real pictures and captions. */
  data: string;
  /** Runs a script of `bench/peers/parity`; its lines are shown as progress and returned. */
  peer(script: string, ...args: string[]): Promise<string[]>;
  /** Whether the golden files that the tests read are written anew. */
  golden: boolean;
  /** Shows what is being done. */
  progress(text: string): void;
  signal: AbortSignal;
}

/** A part of the suite. Its folder's files are removed when it ends. */
export interface ParityGroup {
  name: string;
  run(context: ParityContext): Promise<ParityRow[]>;
}

/** Real pictures and captions, beside the checkout. */
export const sharedData = path.resolve(import.meta.dirname, '../../../../shared/data');

/** One tensor of a file, as float32. */
export function tensorOf(file: string, name: string): Float32Array {
  const tensor = readSafetensors(file).tensors.get(name);
  if (tensor === undefined) throw new Error(`${file} holds no ${name}`);
  return tensor.read();
}
