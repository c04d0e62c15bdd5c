import grpc, { type ChannelOptions } from '@grpc/grpc-js';

// Its errors reach the caller as errors; printed as well, they would be said twice.
if (!process.env['GRPC_VERBOSITY']) grpc.setLogVerbosity(grpc.logVerbosity.NONE);

/** Bytes of values in one gradient chunk. */
export const CHUNK_BYTES = 4 * 1024 * 1024;

/** Values in one chunk of float32. */
export const CHUNK_VALUES = CHUNK_BYTES / 4;

/** Finite, and generous for a chunk: no peer can make another hold more than this in one message. */
const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

/**
 * Bytes that a peer may send before it hears that they were taken. HTTP/2's default, 64 KiB, makes a sender wait for a
 * round trip after each of them: 18 MB/s where a round trip takes 2 ms.
 */
const FLOW_CONTROL_WINDOW = 16 * 1024 * 1024;

/**
 * The same of what a server receives, per connection: 2 GB/s where a round trip takes 2 ms. What it cannot take at once it
 * holds. Workers' gradients come over connections of their own, with windows of their own.
 */
export const SERVER_WINDOW = 4 * 1024 * 1024;

/**
 * Options of every channel and server; servers are made by createServer(), which grpc-js's own would not obey in all of
 * them. Compression stays off: gradients do not compress, and a compressed message could unpack to any size.
 */
export const channelOptions: ChannelOptions = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW,
  // A peer whose machine is gone says nothing: it is asked.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 20_000,
  // Workers and coordinator share a network; a proxy for the web does not know it.
  'grpc.enable_http_proxy': 0,
};
