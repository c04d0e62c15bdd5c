import { requireBfloat16 } from '@captrain/engine';
import type { UserError } from '@captrain/runtime';

/** Why bfloat16 is refused on this machine, or undefined where it is not. The engine has to run. */
export function bfloat16Refusal(): UserError | undefined {
  try {
    requireBfloat16();
    return undefined;
  } catch (thrown) {
    return thrown as UserError;
  }
}
