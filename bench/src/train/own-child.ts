/**
 * captrain's side of the train benchmark: `node own-child.js FOLDER PRECISION shared|separate FIRST END`. It speaks
 * as `bench/peers/train/side.py` does. The functions for the shapes of the batches FIRST to END are compiled beforehand: an
 * epoch of Flickr8k meets some twenty shapes in 750 steps.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startEngine } from '@captrain/engine';
import type { Precision } from '@captrain/model';
import { answerLines } from '../answering-program.js';
import { tensorOf } from '../parity/context.js';
import { residentBytes } from '../resident.js';
import { matmulSpeed } from './matmul-speed.js';
import { OwnStep } from './own-step.js';
import type { TrainTask } from './task.js';

type Arguments = [folder: string, precision: Precision, prefixes: 'shared' | 'separate', ...timed: string[]];
const [folder, precision, prefixes, first, end] = process.argv.slice(2) as Arguments;
await startEngine({ device: 'cpu' });
const task = JSON.parse(readFileSync(path.join(folder, 'task.json'), 'utf8')) as TrainTask;
const embeddings = tensorOf(path.join(folder, 'embeddings.safetensors'), 'embeddings');
const own = await OwnStep.create(task, embeddings, { precision, sharedPrefix: prefixes === 'shared' });
own.compile(task.batches.slice(Number(first), Number(end)));

let steps = 0;
await answerLines({ ready: true }, (line) => {
  if (line === 'quit') return { peakBytes: residentBytes('VmHWM') };
  if (line === 'matmuls') return matmulSpeed(precision);
  const batch = task.batches[steps++ % task.batches.length]!;
  const started = performance.now();
  const loss = own.step(batch);
  return { seconds: (performance.now() - started) / 1000, loss };
});
