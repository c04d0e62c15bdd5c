import { connect } from 'node:http2';
import { ServerCredentials } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { SERVER_WINDOW } from './channel-options.js';
import { createServer } from './create-server.js';

it('a server lets a client send a whole window before it answers, in a stream and in the connection', async () => {
  const server = createServer();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    await expect.poll(() => session.remoteSettings?.initialWindowSize).toBe(SERVER_WINDOW);
    await expect.poll(() => session.state.remoteWindowSize).toBe(SERVER_WINDOW);
  } finally {
    session.destroy();
    server.forceShutdown();
  }
});
