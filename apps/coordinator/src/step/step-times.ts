/** The longest of a worker, in seconds: of computing, and in it of waiting for data. */
export interface StepTimes {
  computeSeconds: number;
  inputSeconds: number;
}

/** The longest of each. */
export function longest(times: ReadonlyMap<unknown, StepTimes>): StepTimes {
  const all = [...times.values()];
  return {
    computeSeconds: Math.max(0, ...all.map(({ computeSeconds }) => computeSeconds)),
    inputSeconds: Math.max(0, ...all.map(({ inputSeconds }) => inputSeconds)),
  };
}

/** Adds to a worker's. */
export function addTimes<Worker>(
  all: Map<Worker, StepTimes>,
  worker: Worker,
  { computeSeconds, inputSeconds }: StepTimes,
): void {
  const before = all.get(worker) ?? { computeSeconds: 0, inputSeconds: 0 };
  all.set(worker, {
    computeSeconds: before.computeSeconds + computeSeconds,
    inputSeconds: before.inputSeconds + inputSeconds,
  });
}
