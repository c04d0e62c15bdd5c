import { engineAddon } from '../start-engine.js';
import { type OpTiming, type ThreadEvents, opsOfThread } from './op-timing.js';

let originUs = 0;

/**
 * From now on TensorFlow notes every op that it executes, on all its threads, at about a microsecond an op. Throws
 * where a profile is being made already: there is one for the process.
 */
export function startProfile(): void {
  engineAddon().startProfile();
  originUs = performance.now() * 1000;
}

/**
 * Ends the profile, and the cost of it; gives the ops in the order in which they began. Ops that are under way, at the
 * start or now, are left out. Times are true of CPUs: on a GPU they are those of launching.
 */
export function stopProfile(): OpTiming[] {
  const threads = engineAddon().stopProfile();
  return threads
    .flatMap((thread) => opsOfThread(thread, labelOf(thread), originUs))
    .sort((a, b) => a.startUs - b.startUs);
}

/** Runs `work` and tells what TensorFlow executed in it. */
export function profileOps<Result>(work: () => Result): { result: Result; ops: OpTiming[] } {
  startProfile();
  let ops: OpTiming[] = [];
  let result: Result;
  try {
    result = work();
  } finally {
    ops = stopProfile();
  }
  return { result, ops };
}

const labels = new Map<number, string>();
const counts = new Map<string, number>();

/** A thread's name without TensorFlow's random number, but counted: "tf_Compute 2". The same in every profile. */
function labelOf({ id, name }: ThreadEvents): string {
  const known = labels.get(id);
  if (known !== undefined) return known;
  const kind = name.replace(/\/-?\d+$/, '');
  const count = (counts.get(kind) ?? 0) + 1;
  counts.set(kind, count);
  const label = count === 1 ? kind : `${kind} ${count}`;
  labels.set(id, label);
  return label;
}
