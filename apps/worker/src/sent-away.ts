/** The coordinator has sent this worker away for what it did or holds; the message is its sentence. */
export class SentAway extends Error {
  override readonly name = 'SentAway';
}
