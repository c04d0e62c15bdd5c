#!/usr/bin/env node
import grpc from '@grpc/grpc-js';
import { UserError, defineCommand, runCommand } from '@captrain/runtime';
import { service } from 'grpc-health-check';
import { z } from 'zod';

const HealthClient = grpc.makeGenericClientConstructor(service, 'grpc.health.v1.Health');

type Check = (
  request: { service: string },
  options: { deadline: number },
  done: (error: grpc.ServiceError | null, answer?: { status: string }) => void,
) => void;

/** What a container's health check runs: ends with 0 where the gRPC server says that it serves, else with 2. */
const command = defineCommand({
  name: 'grpc-health',
  summary: "Asks a gRPC server's health service",
  examples: [
    'node infra/dist/grpc-health.js localhost:50051',
    'node infra/dist/grpc-health.js localhost:50051 --service captrain.v1.Status',
  ],
  schema: z.strictObject({
    service: z.string().default('').describe('service to ask about; the whole server unless given'),
    timeout: z.number().positive().default(5).describe('seconds to wait for the answer'),
  }),
  arguments: { name: 'HOST:PORT', description: 'address of the server', required: true },
  run: async ({ service, timeout }, { arguments: [address] }) => {
    const client = new HealthClient(address!, grpc.credentials.createInsecure());
    try {
      const status = await new Promise<string>((resolve, reject) => {
        const deadline = Date.now() + timeout * 1000;
        (client['check'] as unknown as Check).call(client, { service }, { deadline }, (error, answer) => {
          if (error)
            reject(
              new UserError(
                `${address} gives no answer about its health: ${error.details.replace(/\s*Resolution note:.*$/s, '')}`,
              ),
            );
          else resolve(answer!.status);
        });
      });
      if (status !== 'SERVING') throw new UserError(`${address} answers ${status}`);
      process.stdout.write(`${status}\n`);
    } finally {
      client.close();
    }
  },
});

await runCommand(command, '0.1.0');
