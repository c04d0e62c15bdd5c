import type { RunState, RunStatus__Output } from '@captrain/protos';
import type { Crew } from './membership/crew.js';
import type { Member } from './membership/member.js';
import type { Pace } from './step/pace.js';

const WINDOW = 20;

/** Whether a run in this state is over. */
export function isFinal(state: RunState): boolean {
  return state === 'RUN_STATE_FINISHED' || state === 'RUN_STATE_FAILED';
}

/** What the run's status is at this moment, and who wants to hear of changes. */
export class StatusBoard {
  private readonly watchers = new Set<() => void>();
  private readonly recent: { steps: number; loss: number; captions: number; seconds: number }[] = [];
  private crew: Crew | undefined;
  private pace: Pace<Member> | undefined;
  private readonly fields: Omit<
    RunStatus__Output,
    'workers' | 'meanLoss' | 'captionsPerSecond' | 'etaSeconds'
  >;

  constructor(
    fixed: Pick<
      RunStatus__Output,
      'run' | 'totalSteps' | 'totalEpochs' | 'generation' | 'expectedWorkers' | 'reduce'
    >,
  ) {
    this.fields = {
      ...fixed,
      state: 'RUN_STATE_WAITING_FOR_WORKERS',
      step: 0,
      epoch: 0,
      loss: 0,
      learningRate: 0,
      parameters: 0,
      lastCheckpoint: null,
      message: '',
      skippedUpdates: 0,
      validation: null,
      best: null,
    };
  }

  /** From now on the status tells of these workers. */
  attach(crew: Crew, pace: Pace<Member>): void {
    this.crew = crew;
    this.pace = pace;
  }

  set(change: Partial<RunStatus__Output>): void {
    Object.assign(this.fields, change);
    this.changed();
  }

  /** A step, or a round of local steps, is done: `seconds` since the one before. `before`: steps done at its start. */
  addStep(step: {
    before: number;
    step: number;
    epoch: number;
    loss: number;
    learningRate: number;
    captions: number;
    seconds: number;
  }): void {
    const { before, captions, seconds, ...fields } = step;
    this.recent.push({ steps: step.step - before, loss: step.loss, captions, seconds });
    if (this.recent.length > WINDOW) this.recent.shift();
    this.set(fields);
  }

  changed(): void {
    for (const watcher of this.watchers) watcher();
  }

  get state(): RunState {
    return this.fields.state;
  }

  get current(): RunStatus__Output {
    const sum = (pick: (step: (typeof this.recent)[number]) => number) =>
      this.recent.reduce((total, step) => total + pick(step), 0);
    const count = Math.max(1, this.recent.length);
    const seconds = sum((step) => step.seconds);
    return {
      ...this.fields,
      generation: this.crew?.generation ?? 0,
      meanLoss: sum((step) => step.loss) / count,
      captionsPerSecond: seconds > 0 ? sum((step) => step.captions) / seconds : 0,
      etaSeconds: isFinal(this.fields.state)
        ? 0
        : (seconds /
            Math.max(
              1,
              sum(({ steps }) => steps),
            )) *
          (this.fields.totalSteps - this.fields.step),
      workers: byName(this.crew?.all ?? []).map((member) => ({
        worker: member.worker,
        name: member.name,
        state: member.state,
        device: member.ready?.device ?? '',
        captionsPerSecond: member.captionsPerSecond,
        microbatches: member.microbatches,
        microbatchSeconds: this.pace?.secondsOf(member) ?? 0,
        refusals: member.refusals,
        reason: member.reason,
      })),
    };
  }

  /** Calls `watcher` after every change, until the returned function is called. */
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }
}

function byName(members: readonly Member[]): Member[] {
  return members.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}
