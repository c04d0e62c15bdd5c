import { type ClientHttp2Session, connect } from 'node:http2';
import { FLOW_CONTROL_WINDOW, peerService, trainingService } from '@captrain/protos';
import { MessagePool } from './message-pool.js';
import { OutgoingCall } from './outgoing-call.js';

/** How often a reducer is asked whether it is there, and how long it may take to say so. */
const PING_EVERY_MS = 10_000;
const PING_TIMEOUT_MS = 20_000;

/**
 * Two connections to a reducer, one for each direction. Over one alone, both ends might wait for ever: Node's HTTP/2 does
 * not read from a connection while it writes to it, and with wide windows both write more at a time than the kernel takes.
 * They are made at the first call, and made again where they have broken.
 */
export class ReducerConnection {
  /** Memory of what is sent and received. */
  readonly pool = new MessagePool();
  private readonly sessions: { [direction in 'send' | 'receive']?: ClientHttp2Session } = {};
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
    let session = this.sessions[direction];
    if (session === undefined || session.closed || session.destroyed) {
      session = this.sessions[direction] = openSession(this.address);
    }
    return new OutgoingCall(session, this.path, this.pool);
  }

  /** Ends both connections, and the calls over them. */
  close(): void {
    for (const session of Object.values(this.sessions)) session.destroy();
  }
}

function openSession(address: string): ClientHttp2Session {
  const session = connect(`http://${address}`, { settings: { initialWindowSize: FLOW_CONTROL_WINDOW } });
  session.once('connect', () => {
    // It may have been closed meanwhile.
    if (!session.destroyed) session.setLocalWindowSize(FLOW_CONTROL_WINDOW);
  });
  // The calls tell of it.
  session.on('error', () => {});
  const timer = setInterval(() => ask(session), PING_EVERY_MS).unref();
  session.once('close', () => clearInterval(timer));
  return session;
}

/** Ends the session where the other end does not answer: its machine may be gone without a word. */
function ask(session: ClientHttp2Session): void {
  if (session.destroyed || session.connecting) return;
  const patience = setTimeout(
    () => session.destroy(new Error('the reducer does not answer')),
    PING_TIMEOUT_MS,
  );
  session.ping(() => clearTimeout(patience));
}
