export { CHUNK_VALUES, channelOptions } from './channel-options.js';
export { type GradientChunk, decodeGradientChunk, encodeGradientChunk } from './gradient-chunk.js';
export type * from './messages.js';
export {
  PROTOCOL_VERSION,
  StatusClient,
  TrainingClient,
  loadPackageDefinition,
  statusService,
  trainingService,
} from './services.js';
