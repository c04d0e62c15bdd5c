import type { tf } from '@captrain/engine';
import { loadParameters } from '../load-parameters.js';
import type { ParameterShapes } from '../parameters.js';
import { readCaptionerFolder } from './read-captioner-folder.js';

/** The mapper of a captioner folder, to be trained further. One of other shapes is a UserError that lists them. */
export async function startMapper(folder: string, shapes: ParameterShapes): Promise<Map<string, tf.Tensor>> {
  return loadParameters(readCaptionerFolder(folder).mapper, shapes);
}
