import { type Logger, UserError } from '@captrain/runtime';
import type { Crew } from './crew.js';
import type { GradientExchange } from './gradient-exchange.js';
import type { Member } from './member.js';
import type { RunRecord } from './run-record.js';
import type { StatusBoard } from './status-board.js';

/** What sharing steps among workers takes. */
export interface Share {
  readonly record: RunRecord;
  /** Captions of the training split. */
  readonly captions: number;
  readonly crew: Crew;
  readonly exchange: GradientExchange;
  readonly board: StatusBoard;
  readonly log: Logger;
}

/** A worker is gone: the others take over; without others the run ends here. */
export function noteLoss(share: Share, lost: Member, step: number): void {
  const { crew, board, log, record } = share;
  log.warn({ worker: lost.name, step }, 'worker lost');
  board.changed();
  if (crew.alive.length > 0) return;
  throw new UserError(
    `The last worker, ${lost.name}, was lost at step ${step}; start workers again and go on with captrain train --run ${record.store.uri} --resume.`,
  );
}
