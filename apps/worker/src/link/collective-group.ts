import type { EngineConfig } from '@captrain/engine/config';
import type { Plan, Welcome, WorkerMessage } from '@captrain/protos';
import { messageOf } from '@captrain/runtime';
import type { SharedView } from './shared-views.js';
import { SummingProcess } from './summing-process.js';

export interface CollectiveOptions {
  readonly welcome: Welcome;
  readonly result: SharedView;
  say(message: WorkerMessage): void;
}

/**
 * This worker's membership in groups that sum collectively: a process for each, kept from plan to plan as long as the group is
 * the same. Whatever such a process is at, another group ends it: what it holds is a copy.
 */
export class CollectiveGroup {
  private group = 0;
  private process: SummingProcess | undefined;
  private plan: Pick<Plan, 'generation' | 'step'> = { generation: 0, step: 0 };

  /** `program`: URL of what a process runs, where tests run it from source. */
  constructor(private readonly program: string | undefined) {}

  /** There is a new plan. Returns the process for it, if it needs one; where that will listen is said once it is up. */
  open(plan: Plan, options: CollectiveOptions): SummingProcess | undefined {
    // Whoever is alone has the sum already.
    const group = plan.contributions.length > 1 ? plan.collectiveGroup : 0;
    this.plan = plan;
    if (group === this.group) return this.process;
    this.leave();
    if (group === 0) return undefined;
    this.group = group;
    this.process = this.start(group, options);
    return this.process;
  }

  /** Ends the process, if there is one. */
  leave(): void {
    void this.process?.end();
    this.process = undefined;
    this.group = 0;
  }

  private start(group: number, { welcome, result, say }: CollectiveOptions): SummingProcess {
    const engine = JSON.parse(welcome.configJson) as EngineConfig;
    const summing = new SummingProcess({ engine, result, program: this.program });
    summing.port.then(
      (port) => say({ collectivePort: { group, port } }),
      (error: unknown) => {
        const { generation, step } = this.plan;
        if (this.process === summing) say({ exchangeFailed: { generation, step, reason: messageOf(error) } });
      },
    );
    return summing;
  }
}
