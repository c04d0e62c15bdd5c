import { hostname } from 'node:os';
import type { Logger } from '@captrain/runtime';
import { UserError, messageOf } from '@captrain/runtime';
import { Link } from './link/link.js';
import type { LinkWork } from './link/messages.js';
import { Membership } from './membership.js';
import { SentAway } from './sent-away.js';
import type { ThreadPrograms } from './thread-programs.js';

export interface WorkOptions extends LinkWork {
  /** Workers that compute on this one's device. */
  readonly deviceWorkers: number;
  /** Asks the worker to leave: it finishes what it is at, and is let go by the coordinator. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly programs?: ThreadPrograms;
}

/**
 * A worker's life: it joins the run that a coordinator leads, loads, and does what it is told until it is told to stop.
 * Where the coordinator goes away it keeps its state and waits. Returns the coordinator's reason. Throws a UserError
 * where no coordinator answers or it refuses this worker, or the run's model or data cannot be loaded; SentAway where the
 * coordinator wants this worker no more, for what it did or holds.
 */
export async function work(options: WorkOptions): Promise<string> {
  const { coordinator, name, peerHost, patience, reconnect, signal, programs } = options;
  const collectiveProgram = programs?.collective.href;
  const linkWork = { coordinator, name, peerHost, patience, reconnect, collectiveProgram };
  const link = Link.open(linkWork, programs?.link);
  const leave = () => link.drain();
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  let membership: Membership | undefined;
  try {
    for await (const message of link.messages()) {
      if (message === 'lost') {
        await membership?.foresee();
        continue;
      }
      if (message.stop?.fault) throw new SentAway(message.stop.reason);
      if (message.stop) return message.stop.reason;
      if (message.welcome && membership) await membership.resume(message.welcome);
      else if (message.welcome) membership = await Membership.begin(link, message.welcome, options);
      else await membership?.obey(message);
    }
    throw new Error('the coordinator has fallen silent');
  } catch (error) {
    if (error !== signal.reason)
      link.say({ failed: { message: messageOf(error), userError: error instanceof UserError } });
    throw error;
  } finally {
    signal.removeEventListener('abort', leave);
    await link.close();
    await membership?.close();
  }
}

export function defaultName(): string {
  return `${hostname()}:${process.pid}`;
}
