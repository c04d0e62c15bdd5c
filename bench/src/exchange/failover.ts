import path from 'node:path';
import { RunningProgram, freePort, untilStep } from './programs.js';
import type { RunInputs } from './real-run.js';

/** Steps before the coordinator is killed. */
const STEPS = 3;
const PATIENCE_SECONDS = 180;

/**
 * Kills the coordinator of a run while its two workers live on, and starts it again. Returns the seconds from then until
 * a step is done of which the killed one cannot have heard: the one after it may have been under way.
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
    await untilStep(port, step + 2, { programs: [coordinator, ...workers], ...wait });
    return (performance.now() - restarted) / 1000;
  } finally {
    await Promise.all([coordinator, ...workers].map((program) => program.kill()));
  }
}
