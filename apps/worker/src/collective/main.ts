import {
  type Collective,
  type CollectiveMember,
  freePort,
  joinCollective,
  startEngine,
} from '@captrain/engine';
import { SharedMemory } from '@captrain/engine/sums';
import { messageOf } from '@captrain/runtime';
import type { FromSumming, SummingWork, ToSumming } from './messages.js';

/**
 * The program of a process that sums for its worker, as a member of a group of fixed membership. It stands still in sums, and
 * after a failed one TensorFlow is of no use any more; so it is a process of its own, whose worker ends it by a signal.
 */
const { engine, descriptor, bytes } = JSON.parse(process.argv.at(-1)!) as SummingWork;
const values = SharedMemory.open(process.pid, descriptor, bytes).floats();
let collective: Collective | undefined;
let sums = 0;

async function join(member: CollectiveMember, timeoutSeconds: number): Promise<void> {
  await startEngine({ ...engine, deterministic: true, collective: member });
  collective = joinCollective({ timeoutSeconds });
}

async function obey(asked: ToSumming): Promise<FromSumming> {
  try {
    if ('join' in asked) await join(asked.join, asked.timeoutSeconds);
    else collective!.sum(values, values, ++sums);
    return { done: true };
  } catch (error) {
    return { failed: messageOf(error).split('\n')[0]! };
  }
}

const tell = (what: FromSumming) => process.send!(what);
// Without its worker it is good for nothing.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('message', (asked: ToSumming) => void obey(asked).then(tell));
tell({ port: await freePort() });
