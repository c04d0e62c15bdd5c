import { credentials } from '@grpc/grpc-js';
import { type Plan, PeerClient, TrainingClient, channelOptions } from '@captrain/protos';

export type ExchangeClient = InstanceType<typeof PeerClient> | InstanceType<typeof TrainingClient>;

/**
 * Connections to the reducers of a plan, kept from one plan to the next. They are others than the control stream's, whose
 * heartbeats would wait behind gradients.
 */
export class ExchangeClients {
  private readonly clients = new Map<string, ExchangeClient>();

  /** `coordinator` is HOST:PORT. */
  constructor(private readonly coordinator: string) {}

  /** The client of a reducer's address; the empty one is the coordinator's. */
  to(address: string): ExchangeClient {
    let client = this.clients.get(address);
    if (client === undefined) {
      const options = { ...channelOptions, 'grpc.use_local_subchannel_pool': 1 };
      client =
        address === ''
          ? new TrainingClient(this.coordinator, credentials.createInsecure(), options)
          : new PeerClient(address, credentials.createInsecure(), options);
      this.clients.set(address, client);
    }
    return client;
  }

  /** The connection has failed: the next attempt gets a new one. */
  drop(address: string): void {
    this.clients.get(address)?.close();
    this.clients.delete(address);
  }

  /** Closes those that a plan does not need. */
  keepOf({ reducers }: Plan): void {
    const needed = new Set(reducers.map(({ address }) => address));
    for (const address of [...this.clients.keys()]) if (!needed.has(address)) this.drop(address);
  }

  close(): void {
    for (const address of [...this.clients.keys()]) this.drop(address);
  }
}
