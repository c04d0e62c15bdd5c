import { engineAddon } from '../start-engine.js';
import { type OpTiming, opsOfThread } from './op-timing.js';

let originUs = 0;

/**
 * From now on TensorFlow notes every op that it executes, on all its threads, at about two microseconds an op. Throws
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
  const labels = threadLabels(threads.map(({ name }) => name));
  return threads
    .flatMap((thread, index) => opsOfThread(thread, labels[index]!, originUs))
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

/** Thread names without TensorFlow's random numbers, counted where several have the same: "tf_Compute 1". */
function threadLabels(names: readonly string[]): string[] {
  const kinds = names.map((name) => name.replace(/\/-?\d+$/, ''));
  const counts = new Map<string, number>();
  return kinds.map((kind) => {
    if (kinds.filter((other) => other === kind).length === 1) return kind;
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    return `${kind} ${count}`;
  });
}
