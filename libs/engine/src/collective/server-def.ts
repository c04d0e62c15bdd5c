import { UserError } from '@captrain/runtime';
import { type Field, serialise } from '../compile/wire-format.js';

/** A process's place in a group of fixed membership whose processes sum tensors among themselves. */
export interface CollectiveMember {
  /** HOST:PORT of every process, by rank; the same list in all of them. */
  addresses: readonly string[];
  /** Which of them this process is. */
  rank: number;
}

/**
 * A `tensorflow.ServerDef` for `TFE_EnableCollectiveOps`, serialised. TensorFlow calls the processes the tasks of a job
 * "worker", and looks up nobody but these.
 *
 * Throws a `UserError` where an address has no port or stands twice, or where the rank is none of theirs.
 * Source of the fields: tensorflow/core/protobuf/tensorflow_server.proto, cluster.proto, config.proto
 */
export function serverDef({ addresses, rank }: CollectiveMember): Uint8Array {
  check({ addresses, rank });
  const tasks = addresses.map((address, task) => message(2, [{ number: 1, value: task }, text(2, address)]));
  const cluster = [message(1, [text(1, 'worker'), ...tasks])];
  const experimental = [
    text(1, '/job:worker/replica:0/task:0'), // collective_group_leader
    { number: 7, value: 1 }, // collective_nccl
  ];
  const session = [
    ...addresses.map((_, task) => text(4, `/job:worker/task:${task}`)), // device_filters
    message(16, experimental),
  ];
  return serialise([
    message(1, cluster),
    text(2, 'worker'), // job_name
    { number: 3, value: rank }, // task_index
    message(4, session), // default_session_config
    text(5, 'grpc'), // protocol
  ]);
}

function check({ addresses, rank }: CollectiveMember): void {
  for (const [at, address] of addresses.entries()) {
    const port = Number(/^.+:(\d+)$/.exec(address)?.[1]);
    if (!(port >= 1 && port <= 65535))
      throw new UserError(`"${address}" is no address HOST:PORT of a process`);
    if (addresses.indexOf(address) !== at) throw new UserError(`Two processes have the address ${address}`);
  }
  if (!Number.isInteger(rank) || rank < 0 || rank >= addresses.length)
    throw new UserError(`There is no rank ${rank} among ${addresses.length} processes`);
}

const message = (number: number, fields: readonly Field[]): Field => ({ number, value: serialise(fields) });
const text = (number: number, value: string): Field => ({ number, value: Buffer.from(value) });
