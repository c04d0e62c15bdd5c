import { UserError } from '@captrain/runtime';

/** An error on its way between threads: structured clones lose its class. */
export interface Fault {
  readonly isUserError: boolean;
  readonly message: string;
  readonly stack: string | undefined;
}

export function faultOf(thrown: unknown): Fault {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return { isUserError: error instanceof UserError, message: error.message, stack: error.stack };
}

/** The error again, with the stack that it had in its thread. */
export function errorOf({ isUserError, message, stack }: Fault): Error {
  const error = isUserError ? new UserError(message) : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
