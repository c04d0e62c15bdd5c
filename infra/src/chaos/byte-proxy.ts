import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { PassThrough } from 'node:stream';

/** Up is from who connected to the proxy's target, down the other way. */
export type Direction = 'up' | 'down';

/**
 * Forwards bytes between whoever connects and a target. It can be told to forward nothing more in one direction or in
 * both while the connections stay open, which is what a partition looks like from its ends; to delay everything; to
 * forward new connections elsewhere; and to break all connections off.
 */
export class ByteProxy {
  /** Milliseconds that bytes wait, in each direction. */
  delay = 0;
  /** Port on 127.0.0.1 that new connections are forwarded to. */
  target: number;
  readonly port: number;
  private readonly flows = new Set<Flow>();
  private readonly blocked = new Set<Direction>();

  private constructor(
    private readonly server: Server,
    target: number,
  ) {
    this.target = target;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.accept(socket));
  }

  static async listen(target: number): Promise<ByteProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ByteProxy(server, target);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  block(...directions: Direction[]): void {
    for (const direction of directions) this.blocked.add(direction);
    for (const flow of this.flows) flow.setBlocked(this.blocked.has(flow.direction));
  }

  unblock(): void {
    this.blocked.clear();
    for (const flow of this.flows) flow.setBlocked(false);
  }

  /** Ends every connection, as a network device that loses its memory does. */
  breakOff(): void {
    for (const flow of this.flows) flow.destroy();
  }

  close(): void {
    this.server.close();
    this.breakOff();
  }

  private accept(near: Socket): void {
    const far = connect(this.target, '127.0.0.1');
    for (const socket of [near, far]) socket.setNoDelay(true);
    this.forward('up', near, far);
    this.forward('down', far, near);
  }

  private forward(direction: Direction, from: Socket, to: Socket): void {
    const flow = new Flow(direction, from, to, () => this.delay);
    this.flows.add(flow);
    flow.setBlocked(this.blocked.has(direction));
    to.once('close', () => this.flows.delete(flow));
  }
}

/** One direction of one connection: its bytes, and its end. */
class Flow {
  private readonly gate = new PassThrough();
  private blocked = false;
  private over = false;

  constructor(
    readonly direction: Direction,
    private readonly from: Socket,
    private readonly to: Socket,
    delay: () => number,
  ) {
    from.pipe(this.gate);
    this.gate.on('data', (bytes: Buffer) => {
      const send = () => void (to.writable && to.write(bytes));
      const wait = delay();
      // Timers of one duration fire in their order, so the bytes keep theirs.
      if (wait === 0) send();
      else setTimeout(send, wait);
    });
    from.on('error', () => undefined);
    from.once('close', () => {
      this.over = true;
      this.pass();
    });
  }

  /** Blocked, it reads on until its buffers are full, and forwards nothing: no end either. */
  setBlocked(blocked: boolean): void {
    this.blocked = blocked;
    this.pass();
  }

  destroy(): void {
    this.from.destroy();
    this.to.destroy();
  }

  private pass(): void {
    if (this.blocked) this.gate.pause();
    else if (this.over) this.to.destroy();
    else this.gate.resume();
  }
}
