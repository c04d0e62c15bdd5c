/** What the user can mend: shown as one sentence, without a stack; the program then ends with code 2. */
export class SetupError extends Error {}
