import { type OnReadOpts, type Socket, connect } from 'node:net';
import { peerService, trainingService } from '@captrain/protos';
import { Connection } from './http2/connection.js';
import { MessagePool } from './message-pool.js';
import { OutgoingCall } from './outgoing-call.js';

/**
 * Two connections to a reducer, one for each direction: what is said about how much was received would wait behind what is
 * being sent. They are made at the first call, and made again where they have broken.
 */
export class ReducerConnection {
  /** Memory of what is sent and received. */
  readonly pool = new MessagePool();
  private readonly connections: { [direction in 'send' | 'receive']?: Connection } = {};
  private readonly path: string;

  /** `address`: HOST:PORT of the coordinator (Training) or of a worker (Peer). */
  constructor(
    private readonly address: string,
    service: 'Training' | 'Peer',
  ) {
    this.path = (service === 'Training' ? trainingService : peerService).Reduce.path;
  }

  /** Begins a call that will use one direction. */
  call(direction: 'send' | 'receive'): OutgoingCall {
    let connection = this.connections[direction];
    if (connection?.isUsable !== true) {
      const open = (onread: OnReadOpts) => connectTo(this.address, onread);
      connection = this.connections[direction] = new Connection({ role: 'client', open });
    }
    const stream = connection.call([
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', this.path],
      [':authority', this.address],
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
    ]);
    return new OutgoingCall(stream, this.pool);
  }

  /** Ends both connections, and the calls over them. */
  close(): void {
    for (const connection of Object.values(this.connections)) connection.destroy();
  }
}

/** Brackets around an IPv6 address are left out. */
function connectTo(address: string, onread: OnReadOpts): Socket {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return connect({ host, port: Number(address.slice(colon + 1)), onread });
}
