import { readFileSync, readdirSync } from 'node:fs';

export interface RunningProcess {
  readonly pid: number;
  readonly command: string[];
}

/** The processes whose environment carries a test's mark: what it started, and what that started. */
export function processesMarked(mark: string): RunningProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
        if (!environment.includes(`CAPTRAIN_TEST_MARK=${mark}`)) return [];
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        // A process that has ended, but was not waited for yet, has no command line.
        return command.length > 1 ? [{ pid: Number(pid), command }] : [];
      } catch {
        return [];
      }
    });
}

export function endProcesses(mark: string): void {
  for (const { pid } of processesMarked(mark)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
}
