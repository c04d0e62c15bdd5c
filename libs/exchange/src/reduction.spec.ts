import { describe } from 'vitest';
import { reduceThrough } from './reduce-through.js';
import { type Crew, type ExchangePart, type Plan, reductionCases } from './reduction.cases.js';
import { sumsOf } from './testing/gradients.js';
import { startReducing } from './testing/reducing-process.js';

/** All of a gradient goes through one reducer, which takes no part itself. */
async function oneReducer(participants: number): Promise<Crew> {
  const { reducer, connect, close } = await startReducing();
  const clients = Array.from({ length: participants }, connect);
  return {
    close,
    open: (plan) => void reducer.open({ ...plan, first: 0, end: plan.total }),
    async exchange(part) {
      const result = new Float32Array(part.plan.total);
      const seen = await reduceThrough(clients[part.worker]!, {
        ...partIn(part, result),
        first: 0,
        end: part.plan.total,
      });
      return { ...seen, result, checksums: [seen.checksum] };
    },
  };
}

/** Every participant reduces its share of the gradient, its own part without network. */
async function reducerInEach(participants: number): Promise<Crew> {
  const processes = await Promise.all(Array.from({ length: participants }, () => startReducing()));
  const clients = processes.map(() => processes.map(({ connect }) => connect()));
  return {
    close: () => processes.forEach(({ close }) => close()),
    open: () => {},
    async exchange(part) {
      const { worker, plan, signal } = part;
      const result = new Float32Array(plan.total);
      const shares = sharesOf(plan);
      const { reducer } = processes[worker]!;
      signal.addEventListener('abort', () => reducer.close('gone'));
      const base = partIn(part, result);
      const own = reducer.open({ ...plan, ...shares.get(worker)! }, { worker, sums: base.sums, result });
      const seen = await Promise.all(
        [...shares].map(([other, share]) =>
          other === worker
            ? own.then((outcome) => ({ ...outcome, bytesSent: 0, bytesReceived: 0 }))
            : reduceThrough(clients[worker]![other]!, { ...base, ...share }),
        ),
      ).catch((error: unknown) => {
        throw signal.aborted ? signal.reason : error;
      });
      return {
        result,
        checksums: seen.map(({ checksum }) => checksum),
        finite: seen.every(({ finite }) => finite),
        bytesSent: seen.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
        bytesReceived: seen.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0),
      };
    },
  };
}

function sharesOf({ contributions, total }: Plan): Map<number, { first: number; end: number }> {
  const workers = [...contributions.keys()];
  const bound = (index: number) => Math.round((index * total) / workers.length);
  return new Map(workers.map((worker, i) => [worker, { first: bound(i), end: bound(i + 1) }]));
}

function partIn({ plan, worker, leaves, signal, onChunkSent }: ExchangePart, result: Float32Array) {
  const { generation, step, total, format } = plan;
  const sums = sumsOf(leaves, plan.contributions.get(worker)!);
  return {
    ...{ generation, step, worker, leaves: plan.leaves, total, format, sums, result, signal },
    ...(onChunkSent && { onChunkSent }),
  };
}

describe('one reducer', () => reductionCases(oneReducer));
describe('a reducer in each participant', () => reductionCases(reducerInEach));
