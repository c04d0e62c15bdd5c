import type { Checkpoint } from '@captrain/model/run';
import type { Holding } from '@captrain/protos';
import type { Run } from '../run.js';
import type { Member } from './member.js';
import { sidesOf } from './replica-watch.js';

/** Where a state comes from: workers that hold it, or a checkpoint; the run's first weights where there is none. */
export type Source =
  { readonly providers: readonly Member[] } | { readonly checkpoint: Checkpoint | undefined };

/**
 * Brings workers to the state of a step and makes them active; those that hold it by digest are left alone. Who does not
 * manage is lost, which is its own affair: it may come again.
 */
export async function bringTogether(
  run: Run,
  members: readonly Member[],
  step: number,
  source: Source,
): Promise<void> {
  if ('providers' in source && allHold(step, [...source.providers, ...members])) {
    members.forEach(activate);
    run.board.changed();
    return;
  }
  const generation = run.crew.nextGeneration();
  const holding =
    'providers' in source ? await provided(run, source.providers, { generation, step }) : undefined;
  // All who hold the state are gone: it is found anew.
  if ('providers' in source && holding === undefined) return;
  const isThere = (member: Member) =>
    holding !== undefined && member.holding?.step === step && member.holding.digest === holding.digest;
  const needy = members.filter((member) => member.alive && !isThere(member));
  for (const member of needy) {
    member.state = 'WORKER_STATE_FETCHING';
    member.holding = undefined;
    member.loads = 'checkpoint' in source ? (source.checkpoint?.folder ?? '') : '';
    member.send({ fetch: fetchOf(generation, step, holding, source) });
  }
  run.board.changed();
  // Whoever provides the state may be lost on the way: what hangs on it then is lost as well, and comes again.
  while (needy.some((member) => member.alive && member.holding === undefined)) {
    await run.crew.next();
    if (holding !== undefined && !holding.provider.alive) break;
  }
  const got = members.filter((member) => member.alive && member.holding !== undefined);
  const right = holding?.digest ?? majority(got);
  for (const member of members) {
    if (!member.alive) continue;
    if (member.holding?.step === step && member.holding.digest === right) activate(member);
    else run.crew.lose(member, `it did not get the state of step ${step}${because(member)}`);
  }
  run.board.changed();
}

function because({ reason }: Member): string {
  return reason === '' ? '' : `: ${reason}`;
}

/** Whether all have said that they hold the same state of a step. */
function allHold(step: number, members: readonly Member[]): boolean {
  const [first] = members;
  return members.every(({ holding }) => holding?.step === step && holding.digest === first!.holding?.digest);
}

/** It takes part from now on. */
function activate(member: Member): void {
  member.active = true;
  member.reason = '';
  member.state = 'WORKER_STATE_WAITING';
}

/** Has one worker that holds the state provide it to others. */
async function provided(
  { crew }: Run,
  providers: readonly Member[],
  { generation, step }: { generation: number; step: number },
): Promise<(Holding & { provider: Member }) | undefined> {
  for (const provider of providers) {
    if (!provider.alive) continue;
    provider.send({ provideState: { generation, step } });
    while (provider.alive) {
      const event = await crew.next();
      if (event?.type !== 'message' || event.member !== provider) continue;
      const { stateProvided } = event.message;
      if (stateProvided?.generation === generation && stateProvided.holding?.step === step)
        return { ...stateProvided.holding, provider };
    }
  }
  return undefined;
}

function fetchOf(
  generation: number,
  step: number,
  holding: (Holding & { provider: Member }) | undefined,
  source: Source,
) {
  const wanted = { step, digest: holding?.digest ?? '' };
  if (holding !== undefined) return { generation, holding: wanted, peer: holding.provider.peerAddress };
  const checkpoint = 'checkpoint' in source ? source.checkpoint : undefined;
  return {
    generation,
    holding: wanted,
    checkpoint: checkpoint?.folder ?? '',
    checkpointDigests: digestsOf(checkpoint),
  };
}

/** SHA-256 of a checkpoint's files, by name. */
export function digestsOf(checkpoint: Checkpoint | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(checkpoint?.manifest.files ?? {}).map(([name, { sha256 }]) => [name, sha256]),
  );
}

function majority(members: readonly Member[]): string | undefined {
  return sidesOf(members.map((member) => [member, member.holding!.digest] as const))[0]?.[0]?.holding?.digest;
}
