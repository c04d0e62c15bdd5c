import { finerCut, microbatchesAt, stepPlan } from '@captrain/data/order';
import { type BufferPool, UserError } from '@captrain/runtime';
import { GlobalBatch } from './global-batch.js';
import type { Member } from './member.js';
import { type Share, noteLoss } from './share.js';
import type { Subtree } from './subtree.js';

/** A global batch that was computed, and the longest times of a worker: of computing, and in it of waiting for data. */
export interface ComputedStep {
  batch: GlobalBatch;
  epoch: number;
  computeSeconds: number;
  inputSeconds: number;
}

/**
 * Has the workers compute a step, counted from 0. Where a microbatch does not fit into the memory of one of them, batches
 * are cut finer from this step on, which the run's config keeps, and all compute it again. Throws a UserError where a
 * single caption does not fit.
 */
export async function computeStep(share: Share, step: number, pool: BufferPool): Promise<ComputedStep> {
  const { record, exchange, captions } = share;
  for (;;) {
    const { batchSize } = record.config;
    const cut = microbatchesAt(record.config, step + 1);
    const { epoch, microbatches } = stepPlan(captions, { batchSize, microbatches: cut }, step);
    const batch = new GlobalBatch(step + 1, exchange.generation, microbatches.length, pool);
    const { without, ...times } = await computeBatch(share, batch, cut);
    if (without === undefined) return { batch, epoch, ...times };
    const finer = finerCut(batchSize, cut);
    if (finer === undefined)
      throw new UserError(
        `A microbatch of one caption does not fit into the memory of ${without.name} at step ${batch.step}; take --checkpoint-activations, fewer --max-caption-tokens or a smaller language model.`,
      );
    share.log.warn(
      { worker: without.name, step: batch.step, microbatches: finer },
      'out of memory: smaller microbatches',
    );
    await record.cutFrom(batch.step, finer);
    exchange.generation++;
  }
}

/** One attempt; `without` is the worker whose memory was too small for it. */
async function computeBatch(
  { crew, exchange, board, ...share }: Share,
  batch: GlobalBatch,
  cut: number,
): Promise<{ computeSeconds: number; inputSeconds: number; without?: Member }> {
  const computing = new Map<Member, number>();
  const waiting = new Map<Member, number>();
  const { step, generation } = batch;
  const longest = () => ({
    computeSeconds: Math.max(...computing.values()),
    inputSeconds: Math.max(...waiting.values()),
  });
  const send = (grants: ReadonlyMap<Member, Subtree[]>) => {
    for (const [member, subtrees] of grants) {
      member.microbatches = subtrees.reduce((sum, { count }) => sum + count, 0);
      if (subtrees.length === 0) continue;
      member.state = 'WORKER_STATE_COMPUTING';
      member.send({ compute: { generation, step, subtrees, microbatches: cut } });
    }
    board.changed();
  };
  exchange.open(batch);
  send(batch.lease(crew.alive));
  while (!batch.complete) {
    const event = (await crew.next())!;
    if (event.type === 'lost') {
      noteLoss({ crew, exchange, board, ...share }, event.member, step);
      send(batch.leaseAgain(event.member, crew.alive));
      continue;
    }
    const { computed, outOfMemory } = event.message;
    if (outOfMemory?.step === step && outOfMemory.generation === generation)
      return { ...longest(), without: event.member };
    if (computed?.step !== step || computed.generation !== generation) continue;
    batch.addLosses(computed);
    computing.set(event.member, (computing.get(event.member) ?? 0) + computed.computeSeconds);
    waiting.set(event.member, (waiting.get(event.member) ?? 0) + computed.inputSeconds);
    event.member.captionsPerSecond = computed.captions / computed.computeSeconds;
    event.member.state = 'WORKER_STATE_WAITING';
  }
  return longest();
}
