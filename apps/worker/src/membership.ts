import { setImmediate as turn } from 'node:timers/promises';
import { isOutOfMemory } from '@captrain/engine';
import { SharedMemory } from '@captrain/engine/sums';
import type {
  Compute,
  CoordinatorMessage__Output,
  Fetch,
  Holding,
  Plan,
  Update,
  Validate,
  Welcome,
  WriteCheckpoint,
} from '@captrain/protos';
import { type Logger, UserError, faultPoint, messageOf } from '@captrain/runtime';
import { Abandoned } from './abandoned.js';
import type { Algorithm } from './algorithm.js';
import { HeldSums } from './held-sums.js';
import type { Link } from './link/link.js';
import { type CheckpointToLoad, Replica, type ReplicaOptions } from './replica.js';
import { changedKeys } from './same-run.js';
import { SharedBuffers } from './shared-buffers.js';
import { isOver, stillNeeded } from './still-needed.js';
import type { StateArrays, TrainingState } from './training-state.js';
import { Writer } from './writer/writer.js';

export interface MembershipOptions extends ReplicaOptions {
  readonly log: Logger;
}

/** A worker that belongs to a run: it does what the coordinator says, one message after another. */
export class Membership {
  private writer: Writer | undefined;

  private constructor(
    private readonly link: Link,
    private readonly replica: Replica,
    private readonly sums: HeldSums,
    /** Where the link's thread puts each global sum. */
    private readonly result: SharedMemory,
    private readonly options: MembershipOptions,
    private welcome: Welcome,
  ) {}

  /**
   * Loads what the coordinator's welcome describes, and says that this worker is ready. A checkpoint that cannot be had is
   * told of: others may hold the state.
   */
  static async begin(link: Link, welcome: Welcome, options: MembershipOptions): Promise<Membership> {
    const replica = await Replica.load(welcome, options);
    const { device, state, algorithm } = replica;
    const { parameters } = state;
    const buffers = new SharedBuffers(link, algorithm.vectorLength);
    const result = await buffers.take();
    link.receiveInto(result);
    options.log.info({ worker: welcome.worker, device, parameters }, 'ready');
    const membership = new Membership(link, replica, new HeldSums(buffers), result, options, welcome);
    if (welcome.checkpoint !== '') await membership.fetchCheckpoint(welcome);
    await membership.introduce();
    return membership;
  }

  /** The coordinator is back, or another leads the run: says what is held still. Throws a UserError where it is another run. */
  async resume(welcome: Welcome): Promise<void> {
    const changed = changedKeys(this.welcome, welcome);
    if (changed.length > 0)
      throw new UserError(
        `The run ${welcome.run} has another ${changed.join(', ')} than the one that this worker was in; start the worker again.`,
      );
    this.welcome = welcome;
    await this.introduce();
  }

  /** The coordinator went away: the next one's first question, what is held, takes a while to answer. */
  async foresee(): Promise<void> {
    await this.holding();
  }

  async close(): Promise<void> {
    await this.writer?.close();
    await this.replica.close();
  }

  private get state(): TrainingState {
    return this.replica.state;
  }

  private get algorithm(): Algorithm {
    return this.replica.algorithm;
  }

  async obey(message: CoordinatorMessage__Output): Promise<void> {
    if (message.fit) this.link.say({ fitting: { microbatches: this.replica.fittingCut() } });
    else if (message.plan) await this.plan(message.plan);
    else if (message.compute) await this.help(message.compute);
    else if (message.update) await this.update(message.update);
    else if (message.writeCheckpoint) this.writeCheckpoint(message.writeCheckpoint);
    else if (message.validate) await this.validate(message.validate);
    else if (message.provideState) await this.provideState(message.provideState.generation);
    else if (message.fetch) await this.fetch(message.fetch);
  }

  private async introduce(): Promise<void> {
    const { device, data } = this.replica;
    const { parameters, layoutDigest, fileNames: checkpointFiles } = this.state;
    const { captions, dataDigest } = data;
    const holding = await this.holding();
    const ready = { parameters, layoutDigest, holding, captions, device, dataDigest, checkpointFiles };
    this.link.say({ ready });
  }

  private async holding(): Promise<Holding> {
    return { step: this.state.step, digest: await this.state.digest() };
  }

  private async plan(plan: Plan): Promise<void> {
    const { generation, step, subtrees, microbatches: cut, leaves } = plan;
    if (!this.isNext(step)) return this.link.say({ holding: await this.holding() });
    this.sums.begin(step, cut, leaves);
    this.algorithm.expect({ step, cut }, subtrees);
    if (!(await this.compute(plan))) return;
    const sums = await Promise.all(subtrees.map((subtree) => this.sums.get(subtree, { gradient: missing })));
    if (sums.some(({ finite }) => !finite)) return;
    const ready = sums.map(({ memory }, i) => ({ subtree: subtrees[i]!, descriptor: memory.descriptor }));
    this.link.exchange({ generation, step, sums: ready });
  }

  /** Another worker is late: what is computed here may come into a plan. */
  private async help(work: Compute): Promise<void> {
    if (this.sums.isAt(work.step, work.microbatches)) await this.compute(work);
  }

  /**
   * Computes and reports subtrees; false where that was given up, because a newer plan does not need it, or because
   * memory is too small: the coordinator is told, and cuts the step anew.
   */
  private async compute({ generation, step, subtrees, microbatches: cut }: Compute): Promise<boolean> {
    const proceed = async (leaf: number) => {
      // Signals and messages come in here: computing lets nothing in.
      await turn();
      if (!stillNeeded(this.link.waiting, { step, cut, leaf })) throw new Abandoned();
      faultPoint('before-compute', step);
    };
    const leaves = this.algorithm.leaves({ step, cut }, proceed);
    try {
      for (const subtree of subtrees) {
        await this.sums.get(subtree, leaves);
        const { samples, ...report } = this.sums.report(subtree);
        const ledger = this.welcome.ledger ? { samples } : {};
        this.link.say({ computed: { generation, step, subtree, ...report, ...ledger } });
      }
      return true;
    } catch (error) {
      if (error instanceof Abandoned) return false;
      if (!isOutOfMemory(error)) throw error;
      this.link.say({ outOfMemory: { generation, step } });
      return false;
    }
  }

  private async update(update: Update): Promise<void> {
    const { generation, step, skip, reportDigest } = update;
    if (!this.isNext(step)) return;
    const started = performance.now();
    faultPoint('applying', step);
    const { leaves } = this.sums;
    if (skip) this.state.skipTo(step);
    else this.algorithm.apply(this.result.floats(), { ...update, leaves });
    this.sums.drop();
    const updateSeconds = (performance.now() - started) / 1000;
    const digest = reportDigest ? await this.state.digest() : '';
    faultPoint('applied', step);
    this.link.say({ updated: { generation, step, digest, updateSeconds } });
  }

  /** Whether a step is the one that follows the state that is held. */
  private isNext(step: number): boolean {
    return this.algorithm.before(step) === this.state.step;
  }

  private writeCheckpoint({ step, folder, files }: WriteCheckpoint): void {
    if (step !== this.state.step) {
      const fault = `This worker holds the state of step ${this.state.step}, not of ${step}.`;
      return this.link.say({ checkpointWritten: { step, fault } });
    }
    const { link, welcome, options } = this;
    this.writer ??= new Writer(welcome.run, link.speaker(), options.programs?.writer);
    void this.writer.write(this.state.snapshot(files), { connection: link.present, folder });
  }

  private async validate({ generation, step, ...part }: Validate): Promise<void> {
    await turn();
    if (isOver(this.link.waiting)) return;
    if (step !== this.state.step)
      throw new Error(`asked to validate step ${step} where the state is that of step ${this.state.step}`);
    faultPoint('validating', step);
    try {
      const validated = await this.replica.validate(part);
      this.link.say({ validated: { generation, step, first: part.first, ...validated } });
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
      this.link.say({ outOfMemory: { generation, step } });
    }
  }

  private async provideState(generation: number): Promise<void> {
    const { state } = this;
    const arrays = this.stateArrays();
    try {
      state.copyTo(flat(arrays));
      await this.link.provide(state.step, state.updates, arrays);
    } finally {
      for (const memory of arrays) memory.close();
    }
    this.link.say({ stateProvided: { generation, holding: await this.holding() } });
  }

  /** Takes over another state, and says what is held then: what was, where that state cannot be had. */
  private async fetch(fetch: Fetch): Promise<void> {
    const { peer, checkpoint, checkpointDigests, holding } = fetch;
    this.sums.drop();
    if (peer !== '') await this.fetchFromPeer(peer, holding!);
    else if (checkpoint !== '') await this.fetchCheckpoint({ checkpoint, checkpointDigests });
    else if (this.state.step > 0) await this.replica.restart();
    this.link.say({ holding: await this.holding() });
  }

  private async fetchCheckpoint(named: CheckpointToLoad): Promise<void> {
    try {
      await this.replica.loadCheckpoint(named);
    } catch (error) {
      this.missed(error, named.checkpoint);
    }
  }

  /** A state could not be taken over: this worker goes on with the one that it holds. */
  private missed(error: unknown, checkpoint = ''): void {
    const reason = messageOf(error);
    this.options.log.warn({ reason }, 'a state could not be taken over');
    this.link.say({ stateMissed: { checkpoint, reason } });
  }

  private async fetchFromPeer(peer: string, { step, digest }: Holding): Promise<void> {
    const arrays = this.stateArrays();
    try {
      const updates = await this.link.download(peer, step, arrays);
      const values = flat(arrays);
      const found = await this.state.digestOf(step, updates, values);
      if (found !== digest) throw new Error(`the state of step ${step} from ${peer} is not the run's`);
      this.state.take(step, updates, values);
    } catch (error) {
      this.missed(error);
    } finally {
      for (const memory of arrays) memory.close();
    }
  }

  /** Room for all of a state. */
  private stateArrays(): SharedMemory[] {
    const { arrayCount, parameters } = this.state;
    return Array.from({ length: arrayCount }, () => SharedMemory.create(parameters * 4));
  }
}

function flat([parameters, m, v, outer]: readonly SharedMemory[]): StateArrays {
  return [parameters!.floats(), m!.floats(), v!.floats(), outer?.floats()];
}

/** All that is asked for is held by then. */
function missing(): never {
  throw new Error('a sum is missing that was computed');
}
