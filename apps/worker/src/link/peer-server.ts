import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { ReduceService, type Reducer } from '@captrain/exchange';
import { type PeerHandlers, createServer, peerService } from '@captrain/protos';
import { UserError, messageOf } from '@captrain/runtime';
import type { Neighbours } from './neighbours.js';
import type { ProvidedState } from './provided-state.js';

export interface PeerServices {
  readonly reducer: Reducer;
  readonly state: ProvidedState;
  readonly neighbours: Neighbours;
}

/** What this worker serves to the others of its run: the sums of a range, its state, and what neighbours tell it. */
export class PeerServer {
  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  /** Listens on any free port of `host`. Throws a UserError where it cannot. */
  static async listen(host: string, { reducer, state, neighbours }: PeerServices): Promise<PeerServer> {
    const reduce = new ReduceService((call) => reducer.handle(call));
    const server = createServer(reduce);
    const handlers: PeerHandlers = {
      Reduce: reduce.Reduce,
      FetchState: (call) => void state.handle(call),
      ...neighbours.handlers,
    };
    server.addService(peerService, handlers);
    const address = host.includes(':') ? `[${host}]` : host;
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`${address}:0`, ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else
          reject(
            new UserError(
              `The worker cannot listen on ${host} (${messageOf(error)}); choose another with --peer-host.`,
            ),
          );
      });
    });
    return new PeerServer(server, port);
  }

  close(): void {
    this.server.forceShutdown();
  }
}
