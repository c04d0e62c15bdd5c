import { ReducerConnection } from '@captrain/exchange';
import type { Plan } from '@captrain/protos';

/**
 * Connections to the reducers of a plan, kept from one plan to the next. They are others than the control stream's, whose
 * heartbeats would wait behind gradients.
 */
export class ReducerConnections {
  private readonly connections = new Map<string, ReducerConnection>();

  /** `coordinator` is HOST:PORT. */
  constructor(private readonly coordinator: string) {}

  /** That to a reducer's address; the empty one is the coordinator's. */
  to(address: string): ReducerConnection {
    let connection = this.connections.get(address);
    if (connection === undefined) {
      connection =
        address === ''
          ? new ReducerConnection(this.coordinator, 'Training')
          : new ReducerConnection(address, 'Peer');
      this.connections.set(address, connection);
    }
    return connection;
  }

  /** It has failed: the next attempt gets a new one. */
  drop(address: string): void {
    this.connections.get(address)?.close();
    this.connections.delete(address);
  }

  /** Closes those that a plan does not need. */
  keepOf({ reducers }: Plan): void {
    const needed = new Set(reducers.map(({ address }) => address));
    for (const address of [...this.connections.keys()]) if (!needed.has(address)) this.drop(address);
  }

  close(): void {
    for (const address of [...this.connections.keys()]) this.drop(address);
  }
}
