import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import { type RunStatus__Output, StatusClient } from '@captrain/protos';

/** One of captrain's built programs in a process of its own. */
export class RunningProgram {
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;
  private said = '';

  constructor(
    private readonly name: 'coordinator' | 'worker',
    args: readonly string[],
  ) {
    const folder = path.dirname(createRequire(import.meta.url).resolve(`@captrain/${name}/package.json`));
    this.child = spawn(process.execPath, [path.join(folder, 'dist/main.js'), ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.child.stderr!.on(
      'data',
      (piece: Buffer) => (this.said = (this.said + piece.toString()).slice(-4000)),
    );
    this.ended = once(this.child, 'close');
  }

  /** What it said at last, after its name. */
  get lastWords(): string {
    return `${this.name}: ${this.said.slice(-1000)}`;
  }

  /** Throws, with what it said, where it does not run any more. */
  requireRunning(): void {
    const { exitCode, signalCode } = this.child;
    if (exitCode === null && signalCode === null) return;
    throw new Error(`the ${this.name} ended (${signalCode ?? `exit code ${exitCode}`}):\n${this.said}`);
  }

  /** Ends it at once, and waits until it is gone. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

/** A port that is free at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const POLL_MS = 20;

/**
 * Waits until the coordinator on a port says that so many steps are done. Throws where one of the programs ends first,
 * or after `seconds`.
 */
export async function untilStep(
  port: number,
  step: number,
  {
    programs,
    seconds,
    signal,
  }: { programs: readonly RunningProgram[]; seconds: number; signal: AbortSignal },
): Promise<RunStatus__Output> {
  const deadline = performance.now() + seconds * 1000;
  while (performance.now() < deadline) {
    for (const program of programs) program.requireRunning();
    const status = await statusAt(port);
    if (status !== undefined && status.step >= step) return status;
    await sleep(POLL_MS, undefined, { signal });
  }
  const said = programs.map((program) => program.lastWords).join('\n');
  throw new Error(`step ${step} was not done within ${seconds} s:\n${said}`);
}

/** Undefined where none answers. */
function statusAt(port: number): Promise<RunStatus__Output | undefined> {
  const client = new StatusClient(`127.0.0.1:${port}`, credentials.createInsecure());
  return new Promise((resolve) => {
    client.get({}, { deadline: Date.now() + 1000 }, (error, status) => {
      client.close();
      resolve(error ? undefined : status);
    });
  });
}
