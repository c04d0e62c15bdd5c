import { messageOf } from '@captrain/runtime';

/** Why the hub did not give what was asked for. */
export type HubFaultKind =
  /** No connection, no answer, or an answer that says try later. */
  | 'unreachable'
  /** It has had too many requests. */
  | 'limited'
  | 'wrong token'
  | 'gated'
  /** No such model, or a private one: the hub does not tell which. */
  | 'no model'
  | 'no revision'
  | 'no file'
  /** Whatever answers is no hub. */
  | 'no hub';

/** A request that failed. The message is the reason alone, without model or endpoint. */
export class HubFault extends Error {
  override readonly name = 'HubFault';

  constructor(
    readonly kind: HubFaultKind,
    message: string,
    /** How long the hub asked to wait before the next request. */
    readonly retryAfterMs?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Whether the same request may go well a little later. */
  get isTransient(): boolean {
    return this.kind === 'unreachable' || this.kind === 'limited';
  }

  /**
   * The fault of an answer that is no success. Codes as huggingface_hub reads them (`hf_raise_for_status`): a missing
   * model is a 401 to whoever shows no token.
   */
  static ofResponse(response: Response, from: { hub: boolean; token: boolean }): HubFault {
    const { status, headers } = response;
    const code = headers.get('x-error-code');
    const reason = `it answers ${status}${response.statusText ? ` ${response.statusText}` : ''}`;
    if (status === 429) return new HubFault('limited', reason, pauseAsked(headers));
    // A store behind the hub: its addresses expire, and the hub gives new ones.
    if (status >= 500 || status === 408 || !from.hub)
      return new HubFault('unreachable', reason, pauseAsked(headers));
    if (code === 'RevisionNotFound') return new HubFault('no revision', reason);
    if (code === 'EntryNotFound') return new HubFault('no file', reason);
    if (code === 'GatedRepo' || status === 403) return new HubFault('gated', reason);
    if (code === 'RepoNotFound' || status === 404) return new HubFault('no model', reason);
    if (status === 401) return new HubFault(from.token ? 'wrong token' : 'no model', reason);
    return new HubFault('no hub', reason);
  }

  /** The fault of a connection that could not be made, or broke. */
  static ofThrown(thrown: unknown): HubFault {
    if (thrown instanceof HubFault) return thrown;
    // fetch says "fetch failed", or "terminated", and keeps the reason as its cause.
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
    const code = (cause as NodeJS.ErrnoException).code;
    const message = messageOf(cause) || code || 'no connection';
    return new HubFault('unreachable', message, undefined, { cause: thrown });
  }
}

/** `Retry-After` in seconds or as a date, else the rest of the window in the hub's `RateLimit` (`"api";r=0;t=55`). */
function pauseAsked(headers: Headers): number | undefined {
  const asked = headers.get('retry-after');
  if (asked !== null) {
    const ms = /^\d+$/.test(asked) ? Number(asked) * 1000 : Date.parse(asked) - Date.now();
    return Number.isNaN(ms) ? undefined : Math.max(0, ms);
  }
  const window = /;\s*r\s*=\s*0\s*;\s*t\s*=\s*(\d+)/.exec(headers.get('ratelimit') ?? '');
  return window ? Number(window[1]) * 1000 : undefined;
}
