import { type RunStatus__Output as RunStatus, StatusClient, channelOptions } from '@captrain/protos';
import { UserError } from '@captrain/runtime';
import grpc from '@grpc/grpc-js';

/** Long enough for a far or busy coordinator, short enough for a person. */
const DEADLINE_MS = 5000;

/** A coordinator's status service, as a client sees it. Its errors are `UserError`s that name the address. */
export class StatusConnection {
  readonly #client: InstanceType<typeof StatusClient>;

  constructor(private readonly address: string) {
    this.#client = new StatusClient(address, grpc.credentials.createInsecure(), channelOptions);
  }

  /** The status now. */
  get(signal?: AbortSignal): Promise<RunStatus> {
    return new Promise((resolve, reject) => {
      const call = this.#client.Get({}, { deadline: Date.now() + DEADLINE_MS }, (error, status) => {
        if (error) reject(signal?.aborted ? signal.reason : this.#sentence(error));
        else resolve(status!);
      });
      signal?.addEventListener('abort', () => call.cancel(), { once: true });
    });
  }

  /** The status now and after every change, until the run ends. */
  async *watch(signal?: AbortSignal): AsyncGenerator<RunStatus> {
    yield await this.get(signal);
    const call = this.#client.Watch({});
    signal?.addEventListener('abort', () => call.cancel(), { once: true });
    try {
      for await (const status of call) yield status as RunStatus;
    } catch (error) {
      throw signal?.aborted ? signal.reason : this.#sentence(error as grpc.ServiceError);
    } finally {
      call.cancel();
    }
  }

  close(): void {
    this.#client.close();
  }

  #sentence(error: grpc.ServiceError): Error {
    const { UNAVAILABLE, DEADLINE_EXCEEDED, UNIMPLEMENTED } = grpc.status;
    if (error.code === UNIMPLEMENTED) {
      return new UserError(`${this.address} is a gRPC server, but no captrain coordinator`, { cause: error });
    }
    if (error.code !== UNAVAILABLE && error.code !== DEADLINE_EXCEEDED) return error;
    return new UserError(
      `No coordinator answers at ${this.address}; check the address, and that the run is still going`,
      { cause: error },
    );
  }
}
