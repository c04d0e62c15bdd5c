import type { Readable, Writable } from 'node:stream';
import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';
import { channelOptions } from '@captrain/protos';

/** The client's end of a Reduce call. */
export type OutgoingCall = Readable & Writable & { cancel(): void };

/** A TrainingClient, or a PeerClient. */
export interface ReduceClient {
  reduce(): OutgoingCall;
  close(): void;
}

type ReduceClientClass = new (
  address: string,
  credentials: ChannelCredentials,
  options: ChannelOptions,
) => ReduceClient;

/**
 * Two connections to a reducer, one for each direction. Over one alone, both ends might wait for ever: Node's HTTP/2 does
 * not read from a connection while it writes to it, and with wide windows both write more at a time than the kernel takes.
 * For the same reason nothing else should go over these.
 */
export class ReducerConnection {
  readonly sending: ReduceClient;
  readonly receiving: ReduceClient;

  /** `Client`: TrainingClient or PeerClient. `address`: HOST:PORT. Connects at the first call. */
  constructor(Client: ReduceClientClass, address: string) {
    const connect = () => {
      // Otherwise clients of one address share a connection.
      const options = { ...channelOptions, 'grpc.use_local_subchannel_pool': 1 };
      return new Client(address, credentials.createInsecure(), options);
    };
    this.sending = connect();
    this.receiving = connect();
  }

  close(): void {
    this.sending.close();
    this.receiving.close();
  }
}
