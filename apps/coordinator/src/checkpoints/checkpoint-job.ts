import { type CheckpointManifest, type Validation, checkpointFolder } from '@captrain/model/run';
import type { CheckpointFile } from '@captrain/protos';
import { UserError } from '@captrain/runtime';
import type { Member, MemberEvent } from '../membership/member.js';

/** What is known of a checkpoint before its files are written. */
export type Outline = Omit<CheckpointManifest, 'files' | 'validation'>;

/**
 * One checkpoint while workers write it, each its files, from the state that they kept of its step: what is written does
 * not depend on who writes. A lost worker's files go to another for as long as others hold that state.
 */
export class CheckpointJob {
  private readonly awaited = new Map<string, Member>();
  private readonly written: CheckpointFile[] = [];
  /** The longest that a worker could not compute for it. */
  stallSeconds = 0;
  private validation: Validation | undefined;
  private end: 'written' | { readonly fault: UserError | undefined } | undefined;

  constructor(
    readonly outline: Outline,
    files: readonly string[],
    /** `holding`: those who hold the step's state at this moment. */
    private readonly writers: { holding: () => readonly Member[] },
    /** Whether its validation is still to come. */
    private awaitsValidation = false,
  ) {
    this.assign(files);
  }

  /** All files are written, and it is validated if it is to be. */
  get isComplete(): boolean {
    return this.end === 'written' && !this.awaitsValidation;
  }

  /** Its validation is over; there is no result where the loss is not finite. */
  validated(validation: Validation | undefined): void {
    this.validation = validation;
    this.awaitsValidation = false;
  }

  /** It came to nothing; the fault is what a worker said, if it was that. */
  get failure(): { readonly fault: UserError | undefined } | undefined {
    return this.end === 'written' ? undefined : this.end;
  }

  get manifest(): CheckpointManifest {
    const files = this.written.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return {
      ...this.outline,
      files: Object.fromEntries(files.map(({ name, bytes, sha256 }) => [name, { bytes, sha256 }])),
      ...(this.validation && { validation: this.validation }),
    };
  }

  observe(event: MemberEvent): void {
    if (this.end !== undefined) return;
    if (event.type === 'lost') {
      const orphans = [...this.awaited].filter(([, writer]) => writer === event.member);
      if (orphans.length > 0) this.assign(orphans.map(([name]) => name));
    } else if (event.type === 'message') {
      const report = event.message.checkpointWritten;
      if (!report || report.step !== this.outline.step) return;
      if (report.fault !== '') {
        this.end = { fault: new UserError(report.fault) };
        return;
      }
      this.stallSeconds = Math.max(this.stallSeconds, report.stallSeconds);
      for (const file of report.files) if (this.awaited.delete(file.name)) this.written.push(file);
      if (this.awaited.size === 0) this.end = 'written';
    }
  }

  /** Shares files out among those who can write them. */
  private assign(names: readonly string[]): void {
    const holding = this.writers.holding();
    if (holding.length === 0) {
      this.end = { fault: undefined };
      return;
    }
    const { step } = this.outline;
    holding.forEach((writer, i) => {
      const files = names.filter((_, index) => index % holding.length === i);
      for (const name of files) this.awaited.set(name, writer);
      if (files.length > 0) writer.send({ writeCheckpoint: { step, folder: checkpointFolder(step), files } });
    });
  }
}
