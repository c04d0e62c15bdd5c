import { setTimeout as sleep } from 'node:timers/promises';
import { SharedMemory } from '@captrain/engine/sums';
import type { Neighbour, Plan, Subtree, Welcome } from '@captrain/protos';
import { createLogger } from '@captrain/runtime';
import { LinkProgram } from '../link/link-program.js';
import type { FromLink } from '../link/messages.js';
import type { Joined, ScriptedCoordinator } from './scripted-coordinator.js';

const collectiveProgram = new URL('../../fixtures/collective-process.mjs', import.meta.url).href;
const configJson = JSON.stringify({ device: 'cpu', threads: 1 });

export interface GivenSum {
  readonly subtree: Subtree;
  readonly values: Float32Array;
}

/** What a worker's link does, with a test in the place of its main thread; its coordinator is a scripted one. */
export class LinkedWorker {
  private readonly buffers: SharedMemory[] = [];

  private constructor(
    private readonly program: LinkProgram,
    readonly joined: Joined,
    readonly worker: number,
    private readonly result: SharedMemory,
    /** What the main thread would have been told. */
    private readonly heard: readonly FromLink[],
  ) {}

  static async join(coordinator: ScriptedCoordinator, worker: number, total: number): Promise<LinkedWorker> {
    const work = { coordinator: coordinator.address, name: `w${worker}`, peerHost: '127.0.0.1' };
    const heard: FromLink[] = [];
    const program = await LinkProgram.start(
      { ...work, patience: 10, reconnect: 10, collectiveProgram },
      (message) => heard.push(message),
      createLogger('worker', { level: 'silent' }),
    );
    program.ended.catch(() => undefined);
    const joined = await coordinator.joined();
    const linked = new LinkedWorker(program, joined, worker, SharedMemory.create(total * 4), heard);
    linked.share(linked.result);
    program.obey({ result: linked.result.descriptor });
    const welcome = { generation: 1, worker, leaseSeconds: 60, configJson } as Welcome;
    joined.send({ welcome });
    return linked;
  }

  get address(): string {
    return `127.0.0.1:${this.joined.hello.peerPort}`;
  }

  /** The global sum, as far as it has come. */
  get values(): Float32Array {
    return this.result.floats();
  }

  /** As a plan names it to its neighbours. */
  asNeighbour(subtrees: Subtree[], { first, end }: { first: number; end: number }): Neighbour {
    const { worker, address } = this;
    return { worker, process: process.pid, address, subtrees, first, end };
  }

  plan(plan: Partial<Plan>): void {
    this.joined.send({
      plan: { reducers: [], contributions: [], neighbours: [], collectiveGroup: 0, ...plan } as Plan,
    });
  }

  /** The worker has computed its sums of a plan; memory of the step before is used again. */
  async give(
    { generation, step }: Pick<Plan, 'generation' | 'step'>,
    sums: readonly GivenSum[],
  ): Promise<void> {
    // As the main thread, it does so only once it has heard of the plan.
    const isOfPlan = (one: FromLink) => 'message' in one && one.message.plan?.generation === generation;
    while (!this.heard.some(isOfPlan)) await sleep(5);
    const ready = sums.map(({ subtree, values }, i) => {
      const memory = (this.buffers[i] ??= this.share(SharedMemory.create(values.byteLength)));
      memory.floats().set(values);
      return { subtree, descriptor: memory.descriptor };
    });
    this.program.obey({ exchange: { generation, step, sums: ready } });
  }

  close(): void {
    this.program.obey({ close: true });
  }

  private share(memory: SharedMemory): SharedMemory {
    const { descriptor, bytes } = memory;
    this.program.obey({ request: 0, body: { share: { descriptor, bytes } } });
    return memory;
  }
}
