import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { once } from 'node:events';
import { DelayedPipe } from './delayed-pipe.js';

/** Passes connections on to a port of this machine, every byte some milliseconds late in either direction. */
export class DelayProxy {
  /** Milliseconds in one direction; bytes that come from now on are so late. */
  delay = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: number,
  ) {
    server.on('connection', (near: Socket) => this.join(near));
  }

  /** Listens on a free port of the loopback device. */
  static async listen(target: number): Promise<DelayProxy> {
    const server = createServer({ noDelay: true, allowHalfOpen: true });
    const proxy = new DelayProxy(server, target);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private join(near: Socket): void {
    const far = connect({ host: '127.0.0.1', port: this.target, noDelay: true, allowHalfOpen: true });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(socket);
      // A connection that breaks on one side breaks on the other; one that ends is ended by its pipe.
      socket.on('error', () => other.resetAndDestroy());
      socket.on('close', () => this.sockets.delete(socket));
      new DelayedPipe(socket, other, () => this.delay);
    }
  }
}
