import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeInputs } from '../generated-inputs.js';
import { writeTrainLanguageModel } from '../train/task.js';
import { checkpointStall } from './checkpoint-stall.js';
import { failoverSeconds } from './failover.js';

/** What only the programs themselves can show. */
export interface RealRunFigures {
  /** Of a step: what a checkpoint stalls training, at steady state. */
  checkpoint_stall?: number;
  /** Of a step: what a checkpoint costs the steps beside which it is written, on processors that they share. */
  checkpoint_slowdown?: number;
  /** From the coordinator's restart after its death to the first step, workers alive. */
  failover_seconds?: number;
}

/** What runs are started with. */
export interface RunInputs {
  /** Where their folders go. */
  folder: string;
  /** Data, model, and what is trained. */
  flags: string[];
}

export interface RealRunOptions {
  /** A small model instead of GPT-2 small. */
  quick: boolean;
  progress: (text: string) => void;
  signal: AbortSignal;
}

/** Runs the built programs: with checkpoints and without, and with a coordinator that is killed and started again. */
export async function measureRealRuns({ quick, progress, signal }: RealRunOptions): Promise<RealRunFigures> {
  const folder = await mkdtemp(path.join(tmpdir(), 'captrain-bench-'));
  try {
    progress('a random GPT-2');
    const small = await writeInputs(folder, { images: 200, width: 128, layers: 4 });
    const languageModel = quick ? small.languageModel : await writeTrainLanguageModel(folder);
    const flags = [
      ...['--data', small.data, '--language-model', languageModel, '--mapper', 'mlp'],
      ...['--batch-size', '8', '--microbatches', '2', '--max-caption-tokens', '80', '--device', 'cpu'],
    ];
    progress('a coordinator that dies');
    const failover = await failoverSeconds({ folder, flags }, signal);
    progress('runs with and without checkpoints');
    const { stall, slowdown } = await checkpointStall({ folder, flags }, signal);
    return { checkpoint_stall: stall, checkpoint_slowdown: slowdown, failover_seconds: failover };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
