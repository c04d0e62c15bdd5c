import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'minio';
import { withFileLock } from '../file-lock.js';

/** The release of 2026-02-12: MinIO's tags are no Go versions, so it goes by its commit. */
const version = 'v0.0.0-20260212201848-7aac2a2c5b7c';

export interface Minio {
  /** Like `http://127.0.0.1:41327`. */
  readonly endpoint: string;
  /** The AWS_… variables under which this server is found, for `openStore` and for child processes. */
  readonly env: Record<string, string>;
  createBucket(name: string): Promise<void>;
  /** Sends the server a signal: SIGSTOP for one that takes connections and does not answer. */
  signal(signal: NodeJS.Signals): void;
  /** Kills the server; its data stays. */
  kill(): Promise<void>;
  /** Starts a killed server again at its endpoint, and waits until it serves. */
  restart(): Promise<void>;
  /** Stops the server and removes its data. */
  close(): Promise<void>;
}

/**
 * A real MinIO server of its own, on a free port of this machine with an empty temporary folder. The program comes from
 * the per-user cache; the first time it is built there from its Go module (minutes). Where Go is missing too, a
 * sentence on stderr says so, and the result is undefined.
 */
export async function startMinio(): Promise<Minio | undefined> {
  const program = await minioProgram();
  if (program === undefined) return undefined;
  const folder = await mkdtemp(path.join(tmpdir(), 'captrain-minio-'));
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const credentials = { accessKey: 'captrain-test', secretKey: 'captrain-test-secret' };
  const start = () =>
    spawn(program, ['server', '--quiet', '--address', endpoint.replace('http://', ''), folder], {
      stdio: 'ignore',
      env: {
        ...process.env,
        MINIO_ROOT_USER: credentials.accessKey,
        MINIO_ROOT_PASSWORD: credentials.secretKey,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
      },
    });
  let server = start();
  const killAtExit = () => void server.kill('SIGKILL');
  process.once('exit', killAtExit);
  const kill = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  };
  const close = async () => {
    process.off('exit', killAtExit);
    await kill();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilHealthy(endpoint, server);
  } catch (error) {
    await close();
    throw error;
  }
  const { hostname, port } = new URL(endpoint);
  const region = 'us-east-1';
  const client = new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    region,
    ...credentials,
  });
  return {
    endpoint,
    env: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: credentials.accessKey,
      AWS_SECRET_ACCESS_KEY: credentials.secretKey,
      AWS_REGION: region,
    },
    createBucket: (name) => client.makeBucket(name, region),
    signal: (signal) => void server.kill(signal),
    kill,
    restart: async () => {
      server = start();
      await untilHealthy(endpoint, server);
    },
    close,
  };
}

async function minioProgram(): Promise<string | undefined> {
  const cache =
    process.env['CAPTRAIN_CACHE'] ||
    path.join(process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'captrain');
  const tools = path.join(cache, 'tools');
  const folder = path.join(tools, `minio-${version}`);
  const program = path.join(folder, 'minio');
  const isThere = () => stat(program).then(Boolean, () => false);
  if (await isThere()) return program;
  await mkdir(tools, { recursive: true });
  return withFileLock(path.join(tools, `minio-${version}.lock`), async () => {
    if (await isThere()) return program;
    // What a build that was killed has left.
    for (const name of await readdir(tools))
      if (name.startsWith(`minio-${version}.partial-`)) await rm(path.join(tools, name), { recursive: true });
    const partial = await mkdtemp(path.join(tools, `minio-${version}.partial-`));
    try {
      if (!(await build(partial))) return undefined;
      await rename(partial, folder);
      return program;
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  });
}

/** False where there is no Go. Throws where the build fails. */
async function build(folder: string): Promise<boolean> {
  const spec = `github.com/minio/minio@${version}`;
  const go = spawn('go', ['install', '-trimpath', '-ldflags', '-s -w', spec], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, GOBIN: folder, CGO_ENABLED: '0' },
  });
  let said = '';
  go.stderr.on('data', (chunk) => (said = (said + String(chunk)).slice(-2000)));
  const started = once(go, 'spawn');
  const ended = once(go, 'exit');
  ended.catch(() => undefined);
  try {
    await started;
  } catch {
    console.warn(
      'Go is not installed, so no MinIO can be built: S3 is not tested here, folders take its place.',
    );
    return false;
  }
  console.warn('Building MinIO for the tests, once; this takes some minutes.');
  const [code] = await ended;
  if (code !== 0) throw new Error(`go install ${spec} failed: ${said}`);
  return true;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

async function untilHealthy(endpoint: string, server: ChildProcess): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    if (server.exitCode !== null)
      throw new Error(`MinIO ended with code ${server.exitCode} instead of serving`);
    const answer = await fetch(`${endpoint}/minio/health/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(50);
  }
  throw new Error('MinIO did not become ready within a minute');
}
