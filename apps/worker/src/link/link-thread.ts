import { type MessagePort, workerData } from 'node:worker_threads';
import { createLogger } from '@captrain/runtime';
import { faultOf } from '../thread-fault.js';
import { LinkProgram } from './link-program.js';
import type { FromLink, LinkWork } from './messages.js';

/** The program of the link's thread: all that this worker says and hears over the network. It never loads TensorFlow. */
const { port, work } = workerData as { port: MessagePort; work: LinkWork };

const post = (message: FromLink) => port.postMessage(message);

try {
  const program = await LinkProgram.start(work, post, createLogger('worker'));
  port.on('message', (message) => program.obey(message));
  await program.ended;
} catch (error) {
  post({ ended: faultOf(error) });
}
