import { access, constants, mkdir, readdir } from 'node:fs/promises';
import { arch, availableParallelism, homedir, platform, totalmem } from 'node:os';
import path from 'node:path';
import { openStore } from '@captrain/data';
import { listDevices, startEngine, tf } from '@captrain/engine';
import type { EngineConfig } from '@captrain/engine/config';
import { hubSettings } from '@captrain/model/hub';
import { formatBytes, formatRate, messageOf } from '@captrain/runtime';

/** One thing that captrain needs, and how it stands here. */
export interface Check {
  name: string;
  ok: boolean;
  /** What was found, or why it fails. */
  finding: string;
}

/** Examines this machine. A check that fails does not stop the others. */
export async function runChecks(engine: EngineConfig, storage: string | undefined): Promise<Check[]> {
  const checks = [
    await check('Node', async () => nodeVersion()),
    await check('machine', async () => `${platform()} ${arch()}, ${formatBytes(totalmem())} of memory`),
    await check('threads', async () => threads(engine)),
    await check('engine', () => startedEngine(engine)),
  ];
  if (checks.at(-1)!.ok) {
    checks.push(
      await check('devices', async () => devices()),
      await check('arithmetic', async () => matmul()),
    );
  }
  checks.push(await check('cache', cache), await check('hub', hub));
  if (storage !== undefined) checks.push(await check('storage', () => reachable(storage)));
  return checks;
}

async function check(name: string, examine: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, finding: await examine() };
  } catch (thrown) {
    return { name, ok: false, finding: messageOf(thrown) };
  }
}

function nodeVersion(): string {
  if (Number(process.versions.node.split('.')[0]) >= 20) return process.version;
  throw new Error(`${process.version} is too old; install Node 20 or newer`);
}

function threads({ threads }: EngineConfig): string {
  const available = availableParallelism();
  return threads === 0 ? `${available}, one for each processor` : `${threads} of ${available} processors`;
}

async function startedEngine(engine: EngineConfig): Promise<string> {
  const { device, tensorflow, tfjs } = await startEngine(engine);
  return `TensorFlow ${tensorflow} on ${device}, tfjs ${tfjs}`;
}

function devices(): string {
  const found = listDevices().map(({ name, type, bytes }) => {
    const index = name.slice(name.lastIndexOf('/device:') + '/device:'.length);
    return type === 'GPU' ? `${index} (${formatBytes(bytes)})` : index;
  });
  return found.join(', ');
}

/** Multiplies matrices whose product is known, and says how fast. */
function matmul(): string {
  const size = 512;
  const repeats = 8;
  return tf.tidy(() => {
    const [ones_NN, halves_NN] = [tf.ones([size, size]), tf.fill([size, size], 0.5)];
    tf.matMul(ones_NN, halves_NN).dataSync();
    const start = performance.now();
    for (let i = 0; i < repeats; i++) {
      const product = tf.matMul(ones_NN, halves_NN).dataSync();
      if (product[0] !== size / 2) throw new Error(`512 halves add up to ${product[0]}`);
    }
    const seconds = (performance.now() - start) / 1000;
    return `${size}×${size} matrices right, at ${formatRate((repeats * 2 * size ** 3) / seconds / 1e9, 'GFLOP')}`;
  });
}

async function cache(): Promise<string> {
  const base = process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache');
  const folder = process.env['CAPTRAIN_CACHE'] || path.join(base, 'captrain');
  await mkdir(folder, { recursive: true });
  await access(folder, constants.W_OK);
  return folder;
}

/** Where models named as on the hub come from. Nothing is asked of the hub. */
async function hub(): Promise<string> {
  const { endpoint, cache, offline, token } = hubSettings();
  const held = await readdir(cache).catch(() => []);
  const models = held.filter((name) => name.startsWith('models--')).length;
  const how = offline ? 'offline' : token ? `with the token in ${token.source}` : 'without a token';
  return `${endpoint} (${how}), ${models} model${models === 1 ? '' : 's'} in ${cache}`;
}

async function reachable(uri: string): Promise<string> {
  const store = await openStore(uri);
  for await (const { path } of store.list('')) return `${store.uri} can be read, and holds ${path}`;
  return `${store.uri} can be read, and is empty`;
}
