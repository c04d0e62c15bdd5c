/**
 * A fault that the user can mend. The message is one sentence: what is wrong, where, and what to do.
 * Programs print it without a stack and exit with code 2; every other error keeps its stack and exits with 1.
 */
export class UserError extends Error {
  override readonly name = 'UserError';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
