import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration } from '@captrain/runtime';
import { HubFault } from './hub-fault.js';
import type { HubSettings } from './hub-settings.js';

const MOST_REDIRECTS = 6;

/** What every request needs. */
export interface HubContext {
  readonly settings: HubSettings;
  readonly signal: AbortSignal | undefined;
  /** Takes a line for the user. */
  readonly say: (line: string) => void;
}

/**
 * One GET request, redirects followed. The token goes to the endpoint's own origin alone, on every hop. Resolves to a
 * success, or to 416 where a range was asked for; throws a HubFault for everything else.
 */
export async function hubRequest(
  url: string,
  settings: HubSettings,
  { headers = {}, signal }: { headers?: Record<string, string>; signal: AbortSignal },
): Promise<Response> {
  const { origin } = new URL(settings.endpoint);
  let at = new URL(url);
  for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
    const isHub = at.origin === origin;
    const token = isHub ? settings.token : undefined;
    const authorization = token && { authorization: `Bearer ${token.value}` };
    const response = await fetch(at, {
      redirect: 'manual',
      signal,
      // Ranges and sizes are those of the file itself, not of a compressed one.
      headers: { 'user-agent': 'captrain', 'accept-encoding': 'identity', ...headers, ...authorization },
    });
    if (response.ok || (response.status === 416 && 'range' in headers)) return response;
    await response.body?.cancel();
    const location = response.status >= 300 && response.status < 400 && response.headers.get('location');
    if (!location) throw HubFault.ofResponse(response, { hub: isHub, token: token !== undefined });
    if (!URL.canParse(location, at.href)) throw new HubFault('no hub', 'it redirects to no address');
    at = new URL(location, at);
  }
  throw new HubFault('no hub', `it redirects more than ${MOST_REDIRECTS} times`);
}

/** Aborts once nothing was heard for `ms`, or when `signal` does. Tell it of every sign of life, and end it. */
export class StallGuard {
  readonly signal: AbortSignal;
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly ms: number,
    signal: AbortSignal | undefined,
  ) {
    this.signal = signal ? AbortSignal.any([signal, this.controller.signal]) : this.controller.signal;
    this.alive();
  }

  alive(): void {
    if (this.timer) this.timer.refresh();
    else this.timer = setTimeout(() => this.controller.abort(this.fault()), this.ms);
  }

  end(): void {
    clearTimeout(this.timer);
  }

  private fault(): HubFault {
    return new HubFault('unreachable', `nothing came for ${Math.round(this.ms / 1000)} s`);
  }
}

/**
 * Tries until it goes well, with pauses that double, or are as long as the hub asks. Gives up after `patience.attempts`
 * tries in a row that did not get on (`gotOn` tells, and false unless given), on faults that time does not heal, and
 * where the hub asks for too long a pause; of every pause that is felt it tells. Throws the last HubFault, or the signal's
 * reason once that aborts.
 */
export async function persist<T>(
  attempt: () => Promise<T>,
  { settings, signal, say, gotOn }: HubContext & { gotOn?: () => boolean },
): Promise<T> {
  const { attempts, firstPauseMs, longestPauseMs } = settings.patience;
  for (let inVain = 1; ; inVain++) {
    try {
      signal?.throwIfAborted();
      return await attempt();
    } catch (thrown) {
      signal?.throwIfAborted();
      if (!(thrown instanceof HubFault)) throw thrown;
      if (gotOn?.()) inVain = 1;
      const pauseMs = thrown.retryAfterMs ?? firstPauseMs * 2 ** (inVain - 1);
      if (!thrown.isTransient || inVain >= attempts || pauseMs > longestPauseMs) throw thrown;
      if (pauseMs >= 1000)
        say(`${settings.endpoint}: ${thrown.message}; trying again in ${formatDuration(pauseMs / 1000)}`);
      await sleep(pauseMs, undefined, { signal }).catch(() => signal?.throwIfAborted());
    }
  }
}
