import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';

const demo = path.dirname(createRequire(import.meta.url).resolve('@captrain/cli/package.json'));

/** Flags of the demo's MLP variant, with batches of 40. */
export const demoTraining = [
  ...['--mapper', 'mlp', '--learning-rate', '0.004', '--warmup-steps', '20', '--prefix-length', '10'],
  ...['--batch-size', '40', '--threads', '1', '--device', 'cpu'],
  ...['--language-model', path.join(demo, 'assets/demo/gpt2')],
];

/** Embeds the demo's scenes into `folder`; returns where. */
export async function embedScenes(folder: string, signal: AbortSignal): Promise<string> {
  const out = path.join(folder, 'demo');
  const args = ['demo', '--out', out, '--steps', '1', '--workers', '1'];
  const child = spawn(process.execPath, [path.join(demo, 'dist/main.js'), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    signal,
    killSignal: 'SIGTERM',
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`captrain demo ended with exit code ${code}`);
  return path.join(out, 'embeddings');
}
