import { readFileSync } from 'node:fs';

/** Seconds on a processor: of all threads of a process, and of its event loop alone. */
export interface CpuTime {
  all: number;
  loop: number;
}

/** Linux counts in hundredths of a second wherever Node runs. */
const TICKS = 100;

/** What a process has used so far, as the kernel counts it. */
export function cpuTimeOf(pid: number): CpuTime {
  // The name in parentheses may have blanks.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const [nanoseconds] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ');
  return { all: (Number(fields[11]) + Number(fields[12])) / TICKS, loop: Number(nanoseconds) / 1e9 };
}

export function cpuBetween(before: CpuTime, after: CpuTime): CpuTime {
  return { all: after.all - before.all, loop: after.loop - before.loop };
}
