import { ServerCredentials } from '@grpc/grpc-js';
import { type PeerHandlers, createServer, peerService } from '@captrain/protos';
import { ReduceService } from '../reduce-service.js';
import { ReducerConnection } from '../reducer-connection.js';
import { Reducer } from '../reducer.js';

/** What was refused: worker, sentence, kind. */
export type Refused = [number, string, string];

/** A reducer behind a real server, and connections to it. */
export interface ReducingProcess {
  readonly reducer: Reducer;
  readonly refused: Refused[];
  readonly port: number;
  connect(): ReducerConnection;
  /** Ends the server alone. */
  stop(): void;
  close(): void;
}

/** `port` 0: any. `plain`: by grpc-js alone, as any other gRPC server would serve it. */
export async function startReducing(
  patienceMs?: number,
  wanted = 0,
  plain = false,
): Promise<ReducingProcess> {
  const refused: Refused[] = [];
  const reducer = new Reducer({
    onRefused: (...what) => refused.push(what),
    ...(patienceMs !== undefined && { patienceMs }),
  });
  const reduce = new ReduceService((call) => reducer.handle(call));
  const server = createServer(plain ? undefined : reduce);
  server.addService(peerService, { Reduce: reduce.Reduce } as unknown as PeerHandlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${wanted}`, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const connections: ReducerConnection[] = [];
  return {
    reducer,
    refused,
    port,
    connect() {
      const connection = new ReducerConnection(`127.0.0.1:${port}`, 'Peer');
      connections.push(connection);
      return connection;
    },
    stop: () => server.forceShutdown(),
    close() {
      for (const connection of connections) connection.close();
      server.forceShutdown();
    },
  };
}
