import type { Http2Server, ServerHttp2Session } from 'node:http2';
import { Server, type ServerCredentials } from '@grpc/grpc-js';
import { SERVER_WINDOW, channelOptions } from './channel-options.js';

/**
 * A gRPC server with the options of every channel. grpc-js obeys `grpc-node.flow_control_window` in clients alone
 * (1.14; https://github.com/grpc/grpc-node/pull/3058), so uploads would go by windows of 64 KiB. Its HTTP/2 servers are
 * private: this is the one place that reaches for them.
 */
export function createServer(): Server {
  const server = new Server(channelOptions);
  const own = server as unknown as { createHttp2Server(credentials: ServerCredentials): Http2Server };
  const create = own.createHttp2Server.bind(server);
  own.createHttp2Server = (credentials) => create(credentials).on('session', widen);
  return server;
}

/** HTTP/2 counts a window for each stream and one for the whole connection. */
function widen(session: ServerHttp2Session): void {
  session.settings({ initialWindowSize: SERVER_WINDOW });
  session.setLocalWindowSize(SERVER_WINDOW);
}
