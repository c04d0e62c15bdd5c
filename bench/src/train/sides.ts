import path from 'node:path';
import type { Precision } from '@captrain/model';
import { UserError, formatBytes } from '@captrain/runtime';
import { PEER_ENVIRONMENT, peerScript } from '../python.js';
import { type OwnKind, ownKinds } from './own-step.js';
import { type TrainSide, startSide } from './side.js';
import type { TrainVariant } from './variants.js';

/** Who trains, and how. */
export type SideKind =
  | { who: 'reference'; precision: 'float32' }
  | { who: 'tuned'; precision: Precision }
  | ({ who: 'own' } & OwnKind);

/** Resident memory that a side takes at its highest, measured and rounded up. */
const BYTES = {
  mlp: { reference: 7.6e9, tuned: 5.4e9, own: 4.3e9 },
  transformer: { reference: 7.4e9, tuned: 4.5e9, own: 3e9 },
} as const;

export function nameOf(kind: SideKind): string {
  if (kind.who === 'reference') return 'reference, float32';
  if (kind.who === 'tuned') return `PyTorch tuned, ${kind.precision}`;
  return `captrain, ${kind.precision}${kind.sharedPrefix ? '' : ', prefixes not shared'}`;
}

/**
 * The sides in groups that run interleaved: one for each precision, and in each the reference. Where a group does not
 * fit into the memory, those of captrain's kinds that share no prefixes run in one of their own. A UserError where
 * the memory is too small even so.
 */
export function groupsOf(
  variant: TrainVariant,
  availableBytes: number,
  own: readonly OwnKind[] = ownKinds,
): SideKind[][] {
  const bytesOf = (sides: readonly SideKind[]) =>
    sides.reduce((sum, { who }) => sum + BYTES[variant][who], 0);
  const reference: SideKind = { who: 'reference', precision: 'float32' };
  const groups = (['float32', 'bfloat16'] as const).flatMap((precision) => {
    const kinds = own.filter((kind) => kind.precision === precision);
    const tuned: SideKind = { who: 'tuned', precision };
    const sideOf = (kind: OwnKind): SideKind => ({ who: 'own', ...kind });
    const whole = [reference, tuned, ...kinds.map(sideOf)];
    const main = mainOf(kinds);
    const others = kinds.filter((kind) => kind !== main);
    if (bytesOf(whole) <= availableBytes || main === undefined || others.length === 0) return [whole];
    return [
      [reference, tuned, sideOf(main)],
      [reference, ...others.map(sideOf)],
    ];
  });
  const most = Math.max(...groups.map(bytesOf));
  if (most > availableBytes)
    throw new UserError(
      `${formatBytes(availableBytes)} of memory are free and the sides take ${formatBytes(most)} side by side; end other programs, or use --quick.`,
    );
  return groups;
}

/** Of captrain's sides the one that its figures are of: with shared prefixes, where there is one. */
export function mainOf<T extends { sharedPrefix?: boolean }>(sides: readonly T[]): T | undefined {
  return sides.find(({ sharedPrefix }) => sharedPrefix) ?? sides[0];
}

/** Starts one side on the task that a folder holds. */
export function startKind(
  kind: SideKind,
  options: {
    folder: string;
    interpreter?: string;
    /** The batches that are timed: from the first to before the second. */
    timed: readonly [number, number];
    compileSeconds: number;
    preload?: string;
    signal: AbortSignal;
  },
): Promise<TrainSide> {
  const { folder, interpreter, timed, compileSeconds, preload, signal } = options;
  const name = nameOf(kind);
  if (kind.who === 'own') {
    const child = path.join(import.meta.dirname, 'own-child.js');
    const prefixes = kind.sharedPrefix ? 'shared' : 'separate';
    const args = [child, folder, kind.precision, prefixes, ...timed.map(String)];
    return startSide(name, { command: process.execPath, args }, signal);
  }
  if (interpreter === undefined) throw new Error(`${name} needs Python`);
  const args = [peerScript('train/side.py'), folder, kind.who, kind.precision, String(compileSeconds)];
  const env = { ...PEER_ENVIRONMENT, ...(kind.who === 'tuned' && preload ? { LD_PRELOAD: preload } : {}) };
  return startSide(name, { command: interpreter, args, env }, signal);
}
