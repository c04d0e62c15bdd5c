import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/**
 * A TCP port that is free on all interfaces at this moment, to be handed to `startEngine` soon: TensorFlow takes a
 * number, not a socket, so somebody else may take it meanwhile, and the start then fails.
 */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
