import { microbatchesAt } from '@captrain/data/order';
import type { Validation } from '@captrain/model/run';
import { cutFiner } from '../cut-finer.js';
import type { Run } from '../run.js';
import { ValidationRun } from './validation-run.js';

/** What came of a validation; without `validation` nothing was validated, or the loss is not finite. */
export type Outcome =
  | { readonly kind: 'validated'; readonly validation: Validation | undefined }
  | { readonly kind: 'astray' }
  | { readonly kind: 'deserted' };

/**
 * The loss of the present state, after `step` steps, on the captions that the run is validated on. It is written into the
 * step's line of metrics.jsonl. A state that was validated already is not again.
 */
export async function validate(run: Run, step: number): Promise<Outcome> {
  const { validationChoice: choice, record, board, runLog, log } = run;
  if (choice === undefined) return { kind: 'validated', validation: undefined };
  if (run.lastValidation?.step === step) return { kind: 'validated', validation: run.lastValidation.result };
  board.set({ state: 'RUN_STATE_VALIDATING' });
  const started = performance.now();
  for (;;) {
    const { config } = record;
    // As the next step's microbatches: what training has memory for is enough.
    const cut = microbatchesAt(config, step + 1);
    const end = await new ValidationRun(run, step, choice, config.batchSize / cut).toEnd();
    if (end.kind === 'outOfMemory') await cutFiner(run, { step: step + 1, cut }, end.member);
    else if (end.kind !== 'validated') return end;
    else {
      const { loss, split, captions } = end.validation;
      const seconds = (performance.now() - started) / 1000;
      const isFinite = Number.isFinite(loss);
      runLog.amend(step, { validation_loss: isFinite ? loss : null, validation_seconds: seconds });
      const result = isFinite ? end.validation : undefined;
      run.lastValidation = { step, result };
      if (isFinite) log.info({ step, split, captions, loss, seconds }, 'validated');
      else log.warn({ step, split }, 'the validation loss is not finite');
      board.set({ validation: { step, split, captions, loss }, state: 'RUN_STATE_CHECKPOINTING' });
      return { kind: 'validated', validation: result };
    }
  }
}
