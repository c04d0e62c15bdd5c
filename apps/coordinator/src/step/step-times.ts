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
