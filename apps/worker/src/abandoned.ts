/** What was being computed is not needed any more. */
export class Abandoned extends Error {
  override readonly name = 'Abandoned';

  constructor() {
    super('what was being computed is not needed any more');
  }
}
