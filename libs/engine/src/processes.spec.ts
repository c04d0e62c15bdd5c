import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { freePort } from './collective/free-port.js';
import type { EngineInfo, EngineOptions } from './index.js';

const fixtures = path.join(import.meta.dirname, '../fixtures');
const runSource = path.join(import.meta.dirname, '../../../tools/run-source.mjs');

interface Result {
  digest: string;
  devices: string[];
  info: EngineInfo;
}

/** Computes in a process of its own, because TensorFlow is configured once for each process. */
async function compute(options: EngineOptions, environment: NodeJS.ProcessEnv = {}) {
  const args = [runSource, path.join(fixtures, 'digest.ts'), JSON.stringify(options)];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', ...environment },
  });
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { status, stderr, result: status === 0 ? (JSON.parse(stdout) as Result) : undefined };
}

// Loading TensorFlow takes a second, and half a minute on a machine that is busy with other things.
describe('an engine in a process of its own', { timeout: 240_000 }, () => {
  test('computes the same bits with one thread and with two, and says nothing', async () => {
    const one = await compute({ device: 'cpu', threads: 1 });
    const two = await compute({ device: 'cpu', threads: 2 });
    expect(one.stderr).toBe('');
    expect(one.result?.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(two.result?.digest).toBe(one.result?.digest);
    expect([one.result?.info.threads, two.result?.info.threads]).toEqual([1, 2]);
  });

  test('computes the same bits as a member of a collective, where devices have other names', async () => {
    const collective = { addresses: [`127.0.0.1:${await freePort()}`], rank: 0 };
    const alone = await compute({ device: 'cpu', threads: 1 });
    const member = await compute({ device: 'cpu', threads: 1, collective });
    expect(member.result?.digest).toBe(alone.result?.digest);
    expect(member.result?.devices).toEqual(['/job:worker/replica:0/task:0/device:CPU:0']);
  });

  test('says that a port is taken on which it would have to take part in a collective', async () => {
    const taken = createServer().listen(0);
    await once(taken, 'listening');
    const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    const { status, stderr } = await compute({
      device: 'cpu',
      collective: { addresses: [address], rank: 0 },
    });
    taken.close();
    expect(status).toBe(1);
    expect(stderr).toContain(
      `UserError: This process cannot take part in a collective at ${address}: is that port free?`,
    );
  });

  test('shows what TensorFlow logs where that is asked for', async () => {
    const { stderr, result } = await compute({ device: 'cpu', verbose: true, instructionSet: 'avx2' });
    expect(stderr).toMatch(/oneDNN|cpu_feature_guard/);
    expect(result?.info.instructionSet).toBe('avx2');
  });

  test('refuses a GPU that it does not have, and does not run on the CPU instead', async () => {
    const { status, stderr } = await compute({ device: 'gpu' }, { CUDA_VISIBLE_DEVICES: '-1' });
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/UserError: A GPU was asked for, but .+ --device cpu/);
  });

  test('computes on unharmed while signals arrive, and they are handled', async () => {
    const args = [runSource, path.join(fixtures, 'signals.ts')];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    let output = '';
    let timer: NodeJS.Timeout | undefined;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      timer ??= setInterval(() => child.kill('SIGUSR2'), 1);
      if (output.includes('handled')) clearInterval(timer);
    });
    expect(await closed).toEqual([0, null]);
    const { handled } = JSON.parse(output.trim().split('\n').at(-1)!) as { handled: number };
    expect(handled).toBeGreaterThan(10);
  });

  test('takes the CPU by itself where there is no GPU', async () => {
    const { result } = await compute({ device: 'auto' }, { CUDA_VISIBLE_DEVICES: '-1' });
    expect(result?.info.device).toBe('cpu');
  });
});
