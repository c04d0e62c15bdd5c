import { messageOf } from '@captrain/runtime';
import { copyOut } from '../copy-out.js';
import { rawOp } from '../raw-op.js';
import { engineAddon, engineInfo, engineOptions } from '../start-engine.js';
import { tf } from '../tf.js';

/**
 * A sum among processes failed: one of them died, cannot be reached, was late, or sums something else. No process of the
 * group can take part in a sum again, because TensorFlow's context stays broken: end it and start a new group of new
 * processes, with new ports. Anything else, computing included, still works.
 */
export class CollectiveError extends Error {}

export interface CollectiveOptions {
  /**
   * How long a piece of a sum may take, waiting for processes that come later to it included. Whoever died is noticed
   * at once, whoever stands still after this time.
   */
  timeoutSeconds: number;
  /** Of a sum of arrays, how many values are summed at a time; the same in all processes. Default: 16 Mi (64 MiB). */
  pieceLength?: number;
}

/**
 * Sums among the processes of a group. Each of them calls the same function with the same shapes, in the first sum and in
 * all that follow, and the same `instance`: a number that goes up by one from sum to sum, a step's for example. All get the
 * same bits; but values are added in an order that depends on the size of the group, so groups of different sizes differ
 * in the last ones. This thread stands still until the sum is there.
 *
 * There is nothing to close: the group ends with its processes.
 */
export interface Collective {
  rank: number;
  /** Processes in the group. */
  size: number;
  /**
   * Writes the sum of all processes' `values` to `into`, an array of that length, which may be the same one. Throws a
   * `CollectiveError`; `into` is then partly written.
   */
  sum(values: Float32Array, into: Float32Array, instance: number): void;
  /** The sums of all processes' float32 tensors, one by one, on this process's device. Throws a `CollectiveError`. */
  sumTensors(tensors: readonly tf.Tensor[], instance: number): tf.Tensor[];
}

/**
 * TensorFlow keeps a kilobyte for every instance key that it has seen, and the shape that belongs to it. So sums take
 * theirs in turn: enough of them that processes which are not at the same sum get an error, and no wrong sum.
 */
const TURNS = 100;
const PARTS = 10_000;
/** Tensors have other shapes than pieces of arrays, so their keys are others too. */
const FIRST_KEY = { array: 1, tensors: 1 + TURNS * PARTS };

/**
 * Sums among the processes that `startEngine` was told of as `collective`, at most one such object in a process: by NCCL
 * on GPUs, by TensorFlow's ring over gRPC on CPUs.
 *
 * The processes listen on all interfaces, without encryption, and trust whoever connects: use this only inside a trusted
 * network.
 */
export function joinCollective({
  timeoutSeconds,
  pieceLength = 16 * 2 ** 20,
}: CollectiveOptions): Collective {
  const member = engineOptions().collective;
  if (member === undefined) throw new Error('startEngine() was told of no collective');
  const size = member.addresses.length;
  let broken: CollectiveError | undefined;

  /** The sum of one part, on its own within the time. */
  const sumPart = (values: tf.Tensor, of: keyof typeof FIRST_KEY, instance: number, part: number) => {
    if (broken !== undefined) throw broken;
    // TensorFlow's ring crashes over nothing.
    if (values.size === 0) return values.clone();
    engineAddon().watchCollective(timeoutSeconds);
    try {
      return reduce(values, size, FIRST_KEY[of] + (instance % TURNS) * PARTS + part);
    } catch (cause) {
      const reason = messageOf(cause).replace(/^Invalid TF_Status: \d+\s+Message: /, '');
      broken = new CollectiveError(`A sum among ${size} processes failed: ${reason}`, { cause });
      throw broken;
    } finally {
      engineAddon().watchCollective(0);
    }
  };

  return {
    rank: member.rank,
    size,
    sum(values, into, instance) {
      if (into.length !== values.length)
        throw new Error(`an array of ${into.length} values for a sum of ${values.length}`);
      for (let part = 0, first = 0; first < values.length; part++, first += pieceLength) {
        const piece = values.subarray(first, first + pieceLength);
        tf.tidy(() => {
          const sum = sumPart(tf.tensor1d(piece, 'float32'), 'array', instance, part);
          copyOut([sum], into.subarray(first, first + pieceLength));
        });
      }
    },
    sumTensors: (tensors, instance) =>
      tf.tidy(() => tensors.map((tensor, part) => sumPart(tensor, 'tensors', instance, part))),
  };
}

function reduce(values: tf.Tensor, size: number, instanceKey: number): tf.Tensor {
  return tf.tidy(() => {
    const numbers = [size, 1 /* the group's key */, instanceKey].map((value) => tf.scalar(value, 'int32'));
    const [sum] = rawOp('CollectiveReduceV2', [values, ...numbers], {
      T: 'float32',
      merge_op: { string: 'Add' },
      final_op: { string: 'Id' },
      communication_hint: { string: engineInfo().device === 'gpu' ? 'nccl' : 'ring' },
      // No time limit of TensorFlow's: native/collective_watch.cc sets one, and says why.
      timeout_seconds: { float: 0 },
      Nordering_token: { int: 0 },
    });
    return sum!;
  });
}
