import { setTimeout as sleep } from 'node:timers/promises';
import type { RunStatus__Output as RunStatus } from '@captrain/protos';
import type { LiveView } from '@captrain/runtime';
import { StatusConnection } from '../status-connection.js';
import { statusLine, statusLines } from '../status-view.js';
import type { LocalCoordinator } from './local-coordinator.js';
import type { ChildEnd, SupervisedChild } from './supervised-child.js';

/** Until a coordinator that went away is asked again. */
const ASK_AGAIN_MS = 300;

/** Whether a run's first step was begun. */
export function hasStarted(status: RunStatus | undefined): boolean {
  return status !== undefined && status.parameters > 0;
}

/** Shows a run's status until its coordinator has ended for good, and what becomes of its workers. */
export class Watch {
  /** The last status, once the run is over. */
  readonly end: Promise<RunStatus | undefined>;
  private last: RunStatus | undefined;
  private isOver = false;

  constructor(
    private readonly address: string,
    private readonly view: LiveView,
    private readonly coordinator: LocalCoordinator,
  ) {
    void coordinator.ended.then(() => (this.isOver = true));
    this.end = this.show();
  }

  /** A worker crashed, and is started again unless that was the last time. */
  crashed({ name }: SupervisedChild, { code, signal }: ChildEnd, isLast: boolean): void {
    if (this.isOver) return;
    const again = isLast ? '' : '; starting it again';
    this.view.print(`${name} ended (${signal ?? `exit code ${code}`})${again}`);
  }

  /** A worker has ended for good. Before the first step the run is given up: the coordinator would wait for ever. */
  workerEnded({ name, sentence }: SupervisedChild, { code, signal }: ChildEnd): void {
    if (this.isOver || code === 0) return;
    if (sentence !== undefined)
      this.view.print(`${name} ended (${signal ?? `exit code ${code}`}): ${sentence}`);
    if (!hasStarted(this.last)) this.coordinator.stop();
  }

  private async show(): Promise<RunStatus | undefined> {
    while (!this.isOver) {
      const connection = new StatusConnection(this.address);
      try {
        for await (const status of connection.watch()) {
          this.last = status;
          const lines = [...statusLines(status), `coordinator ${this.address}`];
          this.view.update(lines, statusLine(status));
        }
      } catch {
        // It went away before its last status: it comes again, or its exit code says why.
      } finally {
        connection.close();
      }
      await Promise.race([sleep(ASK_AGAIN_MS), this.coordinator.ended]);
    }
    return this.last;
  }
}
