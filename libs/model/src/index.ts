export * from './config.js';
export { readSafetensors, type SafetensorsEntry, type SafetensorsFile } from './weights/read-safetensors.js';
export { writeSafetensors, type TensorToWrite } from './weights/write-safetensors.js';
export { Tokenizer } from './text/tokenizer.js';
