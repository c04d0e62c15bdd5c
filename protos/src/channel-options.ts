import grpc, { type ChannelOptions } from '@grpc/grpc-js';

// Its errors reach the caller as errors; printed as well, they would be said twice.
if (!process.env['GRPC_VERBOSITY']) grpc.setLogVerbosity(grpc.logVerbosity.NONE);

/** Values in one gradient chunk: 4 MiB of float32. */
export const CHUNK_VALUES = 1024 * 1024;

/** Finite, and generous for a chunk: no peer can make another hold more than this in one message. */
const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

/**
 * Options of every channel and server. Compression stays off: gradients do not compress, and a
 * compressed message could unpack to any size.
 */
export const channelOptions: ChannelOptions = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc-node.flow_control_window': 16 * 1024 * 1024,
  // Workers and coordinator share a network; a proxy for the web does not know it.
  'grpc.enable_http_proxy': 0,
};
