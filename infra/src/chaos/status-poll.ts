import { credentials } from '@grpc/grpc-js';
import { type RunStatus__Output as RunStatus, StatusClient } from '@captrain/protos';

/** Quick to find a coordinator that was started again. */
const reconnecting = {
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.min_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 200,
};

/** Asks a coordinator for the run's status again and again, whoever it is that answers at its address. */
export class StatusPoll {
  /** The last answer. */
  status: RunStatus | undefined;
  private readonly client: InstanceType<typeof StatusClient>;
  private closed = false;

  constructor(
    address: string,
    private readonly onStatus: (status: RunStatus) => void,
  ) {
    this.client = new StatusClient(address, credentials.createInsecure(), reconnecting);
    this.next();
  }

  close(): void {
    this.closed = true;
    this.client.close();
  }

  private next(): void {
    this.client.get({}, { deadline: Date.now() + 1000 }, (error, status) => {
      if (this.closed) return;
      if (!error && status) {
        this.status = status;
        this.onStatus(status);
      }
      setTimeout(() => this.closed || this.next(), 10);
    });
  }
}
