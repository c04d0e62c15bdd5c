/** Something that another will tell, before it is asked for or after. */
export class Expected<Message> {
  private tell!: (message: Message) => void;
  private readonly told = new Promise<Message>((resolve) => (this.tell = resolve));

  /** What comes first counts. */
  fulfil(message: Message): void {
    this.tell(message);
  }

  /** The message. Throws the signal's reason where that is aborted before. */
  async within(signal: AbortSignal): Promise<Message> {
    signal.throwIfAborted();
    let end = () => {};
    const ended = new Promise<never>((_, reject) => {
      end = () => reject(signal.reason as Error);
      signal.addEventListener('abort', end);
    });
    try {
      return await Promise.race([this.told, ended]);
    } finally {
      signal.removeEventListener('abort', end);
    }
  }
}
