import type { Http2Server, ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { Server, type ServerCredentials } from '@grpc/grpc-js';
import { SERVER_WINDOW, channelOptions } from './channel-options.js';

/** Takes connections out of a gRPC server's hands. */
export interface Diversion {
  /** Whether it takes a connection that begins with these bytes; undefined where they are too few to tell. */
  claims(head: Buffer): boolean | undefined;
  /** Takes it over, of which these bytes have been read. The socket that it is from now on ends with the server. */
  take(socket: Socket, head: Buffer): Socket;
}

/** A gRPC server with the options of every channel; plaintext, where connections are to be diverted. */
export function createServer(diversion?: Diversion): Server {
  return new DivertingServer(diversion);
}

/**
 * grpc-js obeys `grpc-node.flow_control_window` in clients alone (1.14; https://github.com/grpc/grpc-node/pull/3058), so
 * uploads would go by windows of 64 KiB. Its HTTP/2 servers are private: this is the one place that reaches for them.
 */
class DivertingServer extends Server {
  private readonly sockets = new Set<Socket>();

  constructor(diversion: Diversion | undefined) {
    super(channelOptions);
    const own = this as unknown as { createHttp2Server(credentials: ServerCredentials): Http2Server };
    const create = own.createHttp2Server.bind(this);
    own.createHttp2Server = (credentials) => {
      const server = create(credentials).on('session', widen);
      if (diversion !== undefined) this.divert(server, diversion);
      return server.on('connection', (socket: Socket) => this.keep(socket));
    };
  }

  override forceShutdown(): void {
    super.forceShutdown();
    this.endConnections();
  }

  override tryShutdown(callback: (error?: Error) => void): void {
    super.tryShutdown((error) => {
      this.endConnections();
      callback(error);
    });
  }

  /** Those too that a client stands still over: Node would wait for its word. */
  private endConnections(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private divert(server: Http2Server, diversion: Diversion): void {
    const others = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      readHead(socket, (head) => {
        const claimed = diversion.claims(head);
        if (claimed) this.keep(diversion.take(socket, head));
        else if (claimed === false) {
          socket.unshift(head);
          for (const listener of others) listener.call(server, socket);
        }
        return claimed !== undefined;
      });
    });
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
  }
}

/** Reads a connection's first bytes, until they are enough. Who ends before is let go. */
function readHead(socket: Socket, isEnough: (head: Buffer) => boolean): void {
  let head = Buffer.alloc(0);
  const leave = () => socket.destroy();
  const read = () => {
    const data = socket.read() as Buffer | null;
    if (data === null) return;
    head = Buffer.concat([head, data]);
    socket.off('readable', read).off('end', leave).off('error', leave);
    if (!isEnough(head)) listen();
  };
  const listen = () => socket.on('readable', read).on('end', leave).on('error', leave);
  listen();
}

/** HTTP/2 counts a window for each stream and one for the whole connection. */
function widen(session: ServerHttp2Session): void {
  session.settings({ initialWindowSize: SERVER_WINDOW });
  session.setLocalWindowSize(SERVER_WINDOW);
}
