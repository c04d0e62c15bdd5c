import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import type { ReduceService } from '@captrain/exchange';
import {
  type StatusHandlers,
  type TrainingHandlers,
  createServer,
  loadPackageDefinition,
  statusService,
  trainingService,
} from '@captrain/protos';
import { UserError, messageOf } from '@captrain/runtime';
import { HealthImplementation, protoPath } from 'grpc-health-check';
import { reflectedDefinition } from './reflected-definition.js';

/** A coordinator's gRPC server: its two services, health and reflection. */
export class CoordinatorServer {
  private constructor(
    private readonly server: Server,
    /** HOST:PORT it listens on. */
    readonly address: string,
  ) {}

  /** Throws a UserError where the port cannot be had. */
  static async listen(
    host: string,
    port: number,
    handlers: { training: TrainingHandlers; status: StatusHandlers; reduce: ReduceService },
  ): Promise<CoordinatorServer> {
    const server = createServer(handlers.reduce);
    server.addService(trainingService, handlers.training);
    server.addService(statusService, handlers.status);
    const services = ['', 'captrain.v1.Training', 'captrain.v1.Status'];
    const health = Object.fromEntries(services.map((name) => [name, 'SERVING' as const]));
    new HealthImplementation(health).addToServer(server);
    new ReflectionService(
      reflectedDefinition(loadPackageDefinition(protoPath), [...services, 'grpc.health.v1.Health']),
    ).addToServer(server);
    const bound = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, actual) => {
        if (error === null) resolve(actual);
        else reject(bindError(error, host, port));
      });
    });
    return new CoordinatorServer(server, `${host}:${bound}`);
  }

  /** Lets open calls end for a moment, then ends them. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.tryShutdown(() => resolve()));
    const patience = setTimeout(() => this.server.forceShutdown(), 2000);
    await closed;
    clearTimeout(patience);
  }
}

function bindError(error: Error, host: string, port: number): UserError {
  const reason = messageOf(error);
  if (reason.includes('EADDRINUSE')) {
    return new UserError(
      `Port ${port} on ${host} is taken; stop the program that listens there, or choose another with --port.`,
    );
  }
  return new UserError(
    `The coordinator cannot listen on ${host}:${port} (${reason}); choose others with --host and --port.`,
  );
}
