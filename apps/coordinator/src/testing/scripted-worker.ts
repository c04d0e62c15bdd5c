import { credentials, type ServiceError } from '@grpc/grpc-js';
import { openStore } from '@captrain/data';
import {
  type CoordinatorMessage__Output,
  type GradientChunk,
  PROTOCOL_VERSION,
  type Subtree,
  TrainingClient,
  channelOptions,
} from '@captrain/protos';
import { sha256 } from '@captrain/runtime';

export const PARAMETERS = 5;

/** A gradient whose float32 sum depends on the order of addition. */
export function leafGradient(step: number, microbatch: number): number[] {
  return Array.from({ length: PARAMETERS }, (_, i) =>
    Math.fround(Math.sin(step * 31 + microbatch * 7 + i) * 10 ** ((microbatch + i) % 6)),
  );
}

/** The same sum as the coordinator's tree, of microbatches [first, first + count) of `microbatches`. */
export function treeSum(step: number, first: number, count: number, microbatches: number): number[] {
  if (count === 1) return leafGradient(step, first);
  const left = treeSum(step, first, count / 2, microbatches);
  if (first + count / 2 >= microbatches) return left;
  const right = treeSum(step, first + count / 2, count / 2, microbatches);
  return left.map((value, i) => Math.fround(value + right[i]!));
}

export interface Script {
  name: string;
  layoutDigest?: string;
  replicaDigest?: (step: number) => string;
  lossSum?: number;
  /** The fewest microbatches that it says fit its memory. Default: 1. */
  fits?: number;
  /** The fewest microbatches of a step that it computes: with fewer its memory is too small. Default: any. */
  needs?: (step: number) => number;
  /** Goes away, as a killed process does, when told to compute this step. */
  diesInStep?: number;
}

/** A worker that speaks the whole protocol over real gRPC, and computes made-up gradients instead of a model's. */
export class ScriptedWorker {
  /** The global gradient that it pulled, by step. */
  readonly gradients = new Map<number, number[]>();
  readonly learningRates: number[] = [];
  readonly computed: Subtree[] = [];
  private readonly client: InstanceType<typeof TrainingClient>;

  constructor(
    address: string,
    private readonly script: Script,
  ) {
    this.client = new TrainingClient(address, credentials.createInsecure(), channelOptions);
  }

  /** Works until it is stopped; returns the coordinator's reason, or undefined where it died as scripted. */
  async work(): Promise<string | undefined> {
    const stream = this.client.work();
    stream.write({ hello: { name: this.script.name, protocol: PROTOCOL_VERSION } });
    let run = '';
    try {
      for await (const message of stream as AsyncIterable<CoordinatorMessage__Output>) {
        if (message.stop) return message.stop.reason;
        if (message.compute && message.compute.step === this.script.diesInStep) return undefined;
        if (message.welcome) {
          run = message.welcome.run;
          const replicaDigest = this.script.replicaDigest?.(0) ?? 'same';
          const layoutDigest = this.script.layoutDigest ?? 'layout';
          const { dataDigest } = message.welcome;
          stream.write({
            ready: {
              parameters: PARAMETERS,
              layoutDigest,
              replicaDigest,
              captions: 16,
              device: 'script',
              dataDigest,
            },
          });
        }
        if (message.fit) stream.write({ fitting: { microbatches: this.script.fits ?? 1 } });
        if (message.compute) {
          const { generation, step, subtrees, microbatches: cut } = message.compute;
          if (cut < (this.script.needs?.(step) ?? 0)) {
            stream.write({ outOfMemory: { generation, step } });
            continue;
          }
          for (const subtree of subtrees) {
            this.computed.push(subtree);
            const microbatches = 2 ** Math.ceil(Math.log2(subtree.first + subtree.count));
            const values = treeSum(step, subtree.first, subtree.count, microbatches);
            await this.push({ generation, step, subtree, values });
            const lossSums = Array<number>(subtree.count).fill(this.script.lossSum ?? 2);
            const captionTokens = Array<number>(subtree.count).fill(4);
            stream.write({
              computed: {
                generation,
                step,
                subtree,
                lossSums,
                captionTokens,
                captions: 1,
                computeSeconds: 1e-3,
                inputSeconds: 0,
              },
            });
          }
        }
        if (message.update) {
          const { generation, step, learningRate } = message.update;
          this.learningRates.push(learningRate);
          this.gradients.set(step, await this.pull(generation, step));
          stream.write({
            updated: { generation, step, replicaDigest: this.script.replicaDigest?.(step) ?? 'same' },
          });
        }
        if (message.writeCheckpoint) {
          const { step, folder, files } = message.writeCheckpoint;
          const store = await openStore(run);
          const written = [];
          for (const name of files) {
            const bytes = Buffer.from(`${name} of step ${step}`);
            await store.put(`${folder}/${name}`, bytes);
            written.push({ name, bytes: bytes.length, sha256: sha256(bytes) });
          }
          stream.write({ checkpointWritten: { step, files: written } });
        }
      }
      return undefined;
    } finally {
      stream.cancel();
      this.client.close();
    }
  }

  /** Uploads values as one chunk; rejects with the coordinator's refusal. */
  push(options: {
    generation: number;
    step: number;
    subtree: Subtree;
    values: number[];
    total?: number;
  }): Promise<void> {
    const { generation, step, subtree, values, total = values.length } = options;
    return new Promise((resolve, reject) => {
      const call = this.client.pushGradient((error: ServiceError | null) =>
        error ? reject(error) : resolve(),
      );
      call.write({
        generation,
        step,
        firstMicrobatch: subtree.first,
        microbatches: subtree.count,
        offset: 0,
        total,
        values: Buffer.from(Float32Array.from(values).buffer),
      });
      call.end();
    });
  }

  private async pull(generation: number, step: number): Promise<number[]> {
    const values: number[] = [];
    for await (const chunk of this.client.pullGradient({
      generation,
      step,
    }) as AsyncIterable<GradientChunk>) {
      values.push(...new Float32Array(new Uint8Array(chunk.values).buffer));
    }
    return values;
  }
}
