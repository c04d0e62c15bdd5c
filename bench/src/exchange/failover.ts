import path from 'node:path';
import { RunningProgram, freePort, untilStep } from './programs.js';
import type { RunInputs } from './real-run.js';

/** Steps before the coordinator is killed. */
const STEPS = 3;
const PATIENCE_SECONDS = 180;

/**
 * Kills the coordinator of a run while its two workers live on, and starts it again. Returns the seconds from then until
 * the first step is done that it leads: the one after the newest that the workers hold.
 */
export async function failoverSeconds({ folder, flags }: RunInputs, signal: AbortSignal): Promise<number> {
  const port = await freePort();
  const run = path.join(folder, 'failover');
  const workers: RunningProgram[] = [];
  const launch = ['--run', run, '--port', String(port), '--workers', '2'];
  let coordinator = new RunningProgram('coordinator', [...launch, ...flags, '--steps', '1000']);
  try {
    for (const name of ['worker-0', 'worker-1'])
      workers.push(new RunningProgram('worker', ['--coordinator', `127.0.0.1:${port}`, '--name', name]));
    const wait = { seconds: PATIENCE_SECONDS, signal };
    const { step } = await untilStep(port, STEPS, { programs: [coordinator, ...workers], ...wait });
    await coordinator.kill();
    const restarted = performance.now();
    coordinator = new RunningProgram('coordinator', [...launch, '--resume']);
    const programs = [coordinator, ...workers];
    // The killed one may have led one more than it told of.
    const { step: held } = await untilStep(port, step, { programs, ...wait });
    await untilStep(port, held + 1, { programs, ...wait });
    return (performance.now() - restarted) / 1000;
  } finally {
    await Promise.all([coordinator, ...workers].map((program) => program.kill()));
  }
}
