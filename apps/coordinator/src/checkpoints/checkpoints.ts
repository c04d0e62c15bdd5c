import type { ObjectStore } from '@captrain/data/store';
import type { Checkpoint, Validation } from '@captrain/model/run';
import type { StateMissed } from '@captrain/protos';
import { type Logger, UserError } from '@captrain/runtime';
import type { StorePatience } from '../log/store-patience.js';
import type { Crew } from '../membership/crew.js';
import type { MemberEvent } from '../membership/member.js';
import type { ReplicaWatch } from '../membership/replica-watch.js';
import { CheckpointJob, type Outline } from './checkpoint-job.js';

/** Until a checkpoint that came to nothing is tried again. */
const RETRY_MS = 5000;

/** How often the loop looks whether a commit is through. */
const POLL_MS = 50;

/**
 * A run's checkpoints: at most one is being written, while training goes on. It is committed once its files are written,
 * it is validated if it is to be, and the replicas have shown that they agree.
 */
export class Checkpoints {
  private job: CheckpointJob | undefined;
  private committing: Promise<void> | undefined;
  private retryAt: number | undefined;
  private committed: Checkpoint | undefined;
  /** The step whose state the active workers hold. */
  private step = 0;

  constructor(
    private readonly run: {
      store: ObjectStore;
      crew: Crew;
      replicas: ReplicaWatch;
      patience: StorePatience;
      log: Logger;
      /** Makes a written checkpoint the newest. */
      commit: (manifest: CheckpointJob['manifest']) => Promise<Checkpoint>;
      /** Deletes those that are not to be kept, and that are not spared at this moment. */
      retain: (isSpared: (folder: string) => boolean) => Promise<void>;
      onCommitted: (checkpoint: Checkpoint) => void;
    },
    private readonly start: {
      /** The newest that the run's folder held, once it is verified. */
      readonly found: Promise<Checkpoint | undefined>;
      /** The step that LATEST names. */
      readonly latestStep: number | undefined;
    },
  ) {
    run.crew.observe((event) => this.observe(event));
    start.found.then(
      (found) => (this.committed ??= found),
      () => {},
    );
  }

  /** The newest that is known to be whole. */
  get newest(): Checkpoint | undefined {
    return this.committed;
  }

  /** The same, once that is known of what was found at the start. Throws a UserError where none of a run's is whole. */
  async known(): Promise<Checkpoint | undefined> {
    return this.committed ?? (await this.start.found);
  }

  /** The step of the newest, whole or not. */
  get latestStep(): number {
    return this.committed?.manifest.step ?? this.start.latestStep ?? 0;
  }

  /** Whether one that came to nothing is to be tried again. */
  get isOverdue(): boolean {
    return this.retryAt !== undefined && performance.now() > this.retryAt;
  }

  /** The active workers hold another step's state from now on. */
  moveTo(step: number): void {
    this.step = step;
  }

  /**
   * Has a checkpoint of the present step's state written; waits for the one before. None where replicas differ. One that
   * awaits its validation is to be told of it, or that there will be none.
   */
  async begin(outline: Outline, { awaitsValidation = false } = {}): Promise<void> {
    await this.settle();
    const { crew, replicas } = this.run;
    if (replicas.isAstray) return;
    const holding = () => (this.step === outline.step ? crew.active : []);
    const files = holding()[0]?.ready?.checkpointFiles;
    if (files === undefined) return this.fail(undefined);
    this.retryAt = undefined;
    this.job = new CheckpointJob(outline, files, { holding }, awaitsValidation);
    this.proceed();
  }

  /** Whether that of a step is being written. */
  isUnderWay(step: number): boolean {
    return this.job?.outline.step === step;
  }

  /** That of a step has been validated. */
  validated(step: number, validation: Validation | undefined): void {
    if (!this.isUnderWay(step)) return;
    this.job!.validated(validation);
    this.proceed();
  }

  /** That of a step will not be validated, for nobody holds its state any more: another one is to be made. */
  giveUp(step: number): void {
    if (this.isUnderWay(step)) this.fail(undefined);
  }

  /** The state of a step has proved wrong: a checkpoint of it that is being written is worth nothing. */
  abandon(step: number): void {
    if (this.isUnderWay(step)) this.job = undefined;
  }

  /** Waits until nothing is being written, or replicas differ. Only between steps: what workers say meanwhile of a step is lost. */
  async settle(): Promise<void> {
    while (this.job !== undefined) {
      await this.run.crew.next({ milliseconds: POLL_MS });
      this.run.patience.check();
      if (this.run.replicas.isAstray) return;
    }
  }

  /** Waits for a commit that is under way: the run ends, well or not. */
  async close(): Promise<void> {
    await this.committing;
  }

  private observe(event: MemberEvent): void {
    this.job?.observe(event);
    if (event.type === 'message' && event.message.stateMissed) this.judge(event.message.stateMissed);
    this.proceed();
  }

  /** Throws where no worker can load the newest checkpoint: one that is not the newest any more may have been deleted. */
  private judge({ checkpoint, reason }: StateMissed): void {
    if (checkpoint === '' || checkpoint !== this.newest?.folder) return;
    const { living } = this.run.crew;
    if (living.every(({ missed }) => missed === checkpoint)) throw new UserError(reason);
  }

  private proceed(): void {
    const { job } = this;
    if (job === undefined || this.committing !== undefined) return;
    if (job.failure !== undefined) {
      const { fault } = job.failure;
      this.fail(fault);
    } else if (job.isComplete && !this.isInDoubt(job)) {
      this.committing = this.commit(job);
    }
  }

  /** Whether the replicas have still to show that they agree on a checkpoint's state, or have shown that they do not. */
  private isInDoubt({ outline }: CheckpointJob): boolean {
    const { replicas } = this.run;
    return replicas.isAwaiting(outline.step) || replicas.wentAstrayAt(outline.step);
  }

  private async commit(job: CheckpointJob): Promise<void> {
    const { patience, log, commit, onCommitted, retain, crew } = this.run;
    const isThrough = await patience.attempt('write a checkpoint', async () => {
      this.committed = await commit(job.manifest);
    });
    if (!isThrough) {
      this.retryAt = performance.now() + RETRY_MS;
      this.job = this.committing = undefined;
      return;
    }
    // Those that a worker loads at this moment stay: it may have been told of one before another was the newest.
    const isSpared = (folder: string) => crew.living.some(({ loads }) => loads === folder);
    await patience.attempt('delete older checkpoints', () => retain(isSpared));
    this.job = this.committing = undefined;
    const { outline, stallSeconds } = job;
    const { folder } = this.committed!;
    log.info({ step: outline.step, folder, stall_seconds: stallSeconds }, 'checkpoint committed');
    onCommitted(this.committed!);
  }

  private fail(fault: Error | undefined): void {
    this.job = undefined;
    this.retryAt = performance.now() + (fault === undefined ? 0 : RETRY_MS);
    if (fault === undefined) return;
    void this.run.patience.attempt('write a checkpoint', () => Promise.reject(fault));
  }
}
