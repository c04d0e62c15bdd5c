/** Loads one GPT-2 and prints what that took: `node load-child.js FOLDER [forward]`. A process of its own for each load. */
import { writeFileSync } from 'node:fs';
import { startEngine, tf } from '@captrain/engine';
import { gpt2Logits, loadGpt2 } from '@captrain/model';
import { residentBytes } from './resident.js';

export interface LoadFigures {
  seconds: number;
  /** What the load added to the resident memory at its highest. */
  raisedBytes: number;
  peakBytes: number;
  forwardSeconds?: number;
}

const [folder, forward] = process.argv.slice(2) as [string, string | undefined];
await startEngine({ device: 'cpu' });
// What TensorFlow allocates with its first op is not the model's.
tf.tidy(() => tf.add(tf.ones([8]), 1).dataSync());

// The highest so far is forgotten.
writeFileSync('/proc/self/clear_refs', '5');
const before = residentBytes('VmRSS');
const started = performance.now();
const { config, parameters } = await loadGpt2(folder);
const seconds = (performance.now() - started) / 1000;
const figures: LoadFigures = {
  seconds,
  raisedBytes: residentBytes('VmHWM') - before,
  peakBytes: residentBytes('VmHWM'),
};
if (forward !== undefined) {
  const again = performance.now();
  const ids = tf.tensor2d([Array.from({ length: 32 }, (_, i) => i)], undefined, 'int32');
  const finite = tf.tidy(() => tf.all(tf.isFinite(gpt2Logits(parameters, config, ids))).dataSync()[0] === 1);
  if (!finite) throw new Error('the logits are not finite');
  figures.forwardSeconds = (performance.now() - again) / 1000;
  figures.peakBytes = residentBytes('VmHWM');
}
console.log(JSON.stringify(figures));
