/**
 * The safetensors format without tensors, and where the values of a checkpoint lie, for threads that must not load
 * TensorFlow: nothing here, nor in anything imported here, does. A test holds that.
 */
export { checkShapes, type ParameterLayout } from './layout.js';
export type { DenseTensor } from './weights/dense-tensor.js';
export { headerLength, parseHeader, type SafetensorsHeader } from './weights/safetensors-header.js';
export { safetensorsParts, type TensorToWrite } from './weights/write-safetensors.js';
