import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { credentials } from '@grpc/grpc-js';
import { type RunStatus__Output, StatusClient } from '@captrain/protos';
import { until } from './until.js';

/** A port that is free at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The status of the coordinator on a port, or undefined where none answers. */
export function statusAt(port: number): Promise<RunStatus__Output | undefined> {
  const client = new StatusClient(`127.0.0.1:${port}`, credentials.createInsecure());
  return new Promise((resolve) => {
    client.get({}, { deadline: Date.now() + 2000 }, (error, status) => {
      client.close();
      resolve(error ? undefined : status);
    });
  });
}

/** Waits until a run has done at least so many steps. */
export function untilStep(port: number, step: number, seconds = 60): Promise<RunStatus__Output> {
  return until(
    `step ${step} is done`,
    async () => {
      const status = await statusAt(port);
      return status !== undefined && status.step >= step ? status : undefined;
    },
    seconds,
  );
}
