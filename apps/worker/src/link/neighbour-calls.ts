import { type ClientUnaryCall, type ServiceError, credentials } from '@grpc/grpc-js';
import { type DeliveredSum, type OfferedSums, PeerClient, channelOptions } from '@captrain/protos';

/** What is told to neighbours. Connections are kept from plan to plan; gradients go over others. */
export class NeighbourCalls {
  private readonly clients = new Map<string, InstanceType<typeof PeerClient>>();

  /** Resolves when the neighbour has heard. Throws its ServiceError, and ends with the signal. `address`: HOST:PORT. */
  offer(address: string, sums: OfferedSums, signal: AbortSignal): Promise<void> {
    return this.call(address, signal, (client, done) => client.offer(sums, done));
  }

  /** As `offer`. */
  deliver(address: string, sum: DeliveredSum, signal: AbortSignal): Promise<void> {
    return this.call(address, signal, (client, done) => client.deliver(sum, done));
  }

  /** Closes the connections to all but these. */
  keep(addresses: readonly string[]): void {
    for (const address of this.clients.keys()) if (!addresses.includes(address)) this.drop(address);
  }

  close(): void {
    this.keep([]);
  }

  private drop(address: string): void {
    this.clients.get(address)?.close();
    this.clients.delete(address);
  }

  private async call(
    address: string,
    signal: AbortSignal,
    begin: (
      client: InstanceType<typeof PeerClient>,
      done: (error: ServiceError | null) => void,
    ) => ClientUnaryCall,
  ): Promise<void> {
    signal.throwIfAborted();
    let client = this.clients.get(address);
    if (client === undefined) {
      client = new PeerClient(address, credentials.createInsecure(), channelOptions);
      this.clients.set(address, client);
    }
    let cancel = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        const call = begin(client, (error) => (error === null ? resolve() : reject(error)));
        cancel = () => call.cancel();
        signal.addEventListener('abort', cancel);
      });
    } catch (error) {
      // The next attempt gets a connection of its own, unless somebody has made that already.
      if (this.clients.get(address) === client) this.drop(address);
      throw error;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }
}
