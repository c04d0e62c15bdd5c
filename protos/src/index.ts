export { CHUNK_BYTES, CHUNK_VALUES, channelOptions } from './channel-options.js';
export { type Diversion, createServer } from './create-server.js';
export {
  type ChunkHeader,
  ChunkMessage,
  FRAME_PREFIX_BYTES,
  type GradientChunk,
  type WireFormat,
  decodeGradientChunk,
  encodeGradientChunk,
} from './gradient-chunk.js';
export type * from './messages.js';
export {
  PROTOCOL_VERSION,
  PeerClient,
  StatusClient,
  TrainingClient,
  loadPackageDefinition,
  peerService,
  reducePaths,
  statusService,
  trainingService,
} from './services.js';
