import { type ObjectStore, openStore } from '@captrain/data';
import { freeMemory, hasKernels, listDevices, startEngine } from '@captrain/engine';
import { AdamW, Captioner, fittingCut } from '@captrain/model';
import { modelFolder } from '@captrain/model/hub';
import { type RunConfig, runConfig } from '@captrain/model/run';
import type { CheckpointFile, Ready, Subtree, Welcome } from '@captrain/protos';
import { parseConfig, sha256 } from '@captrain/runtime';
import { loadCheckpoint, writeCheckpointFile } from './checkpoint-files.js';
import { Feeder } from './feeder/feeder.js';
import type { Place } from './feeder/messages.js';
import type { MicrobatchGradient } from './subtree-gradient.js';

/** This worker's copy of the model and the optimizer, which every worker keeps identical, and its view of the data. `close()` ends the latter. */
export class Replica {
  private constructor(
    private readonly store: ObjectStore,
    private readonly feeder: Feeder,
    private readonly captioner: Captioner,
    private readonly optimizer: AdamW,
    private readonly config: RunConfig,
    private readonly deviceWorkers: number,
    /** What it computes on, for people. */
    readonly device: string,
  ) {}

  /**
   * Builds what the coordinator's welcome describes; `signal` stops the download of a model. `deviceWorkers` compute on
   * this one's device. Throws UserErrors for data,
   * model or checkpoint files.
   */
  static async load(
    welcome: Welcome,
    { deviceWorkers, signal }: { deviceWorkers: number; signal: AbortSignal },
  ): Promise<Replica> {
    const config = parseConfig(runConfig, JSON.parse(welcome.configJson), 'the run');
    const store = await openStore(welcome.run);
    const { dim, encoder } = welcome;
    const languageModel = await modelFolder(config.languageModel, { signal });
    const feeder = await Feeder.open({ config, expect: { dim, encoder }, languageModel, signal });
    try {
      const { device, threads, instructionSet } = config;
      await startEngine({ device, threads, instructionSet, deterministic: true });
      const captioner = await Captioner.create({
        config,
        embeddingDim: feeder.data.dim,
        seed: config.seed,
        init: welcome.checkpoint === '' ? config.init : undefined,
        signal,
      });
      const optimizer = new AdamW(captioner.variables, config);
      if (welcome.checkpoint !== '') await loadCheckpoint(store, welcome, captioner, optimizer);
      // TensorFlow's name ends in device:GPU:0.
      const computesOn = listDevices().at(-1)!.name.split('device:')[1]!;
      return new Replica(store, feeder, captioner, optimizer, config, deviceWorkers, computesOn);
    } catch (error) {
      await feeder.close();
      throw error;
    }
  }

  /** Trainable values. */
  get parameters(): number {
    return this.captioner.layout.length;
  }

  introduction(): Ready {
    const { layout } = this.captioner;
    return {
      parameters: layout.length,
      layoutDigest: sha256(JSON.stringify(layout.entries)),
      replicaDigest: this.digest(),
      captions: this.feeder.data.captions,
      device: this.device,
      dataDigest: this.feeder.data.dataDigest,
    };
  }

  /** The fewest microbatches of a global batch that the device has memory for, by an estimate. */
  fittingCut(): number {
    const { gpt2, maxCaptionTokens, embeddingDim } = this.captioner;
    const { batchSize, freezeLanguageModel, checkpointActivations } = this.config;
    const { bytes: free, onHost } = freeMemory(this.deviceWorkers);
    const model = { gpt2, mapper: this.config, embeddingDim, freezeLanguageModel, checkpointActivations };
    const run = { ...model, batchSize, captionTokens: maxCaptionTokens, kernels: hasKernels() };
    return fittingCut(run, { free, onHost });
  }

  /** Microbatches of an update, counted from 1, in a cut. */
  microbatchesOf(step: number, cut: number): number {
    return this.feeder.countOf(step - 1, cut);
  }

  /** Says whose gradients will be asked for, so that their data are read meanwhile. Updates are counted from 1. */
  expect(step: number, cut: number, subtrees: readonly Subtree[]): void {
    const microbatches = subtrees.flatMap(({ first, count }) =>
      Array.from({ length: count }, (_, i) => first + i),
    );
    this.feeder.expect({ step: step - 1, cut, microbatches });
  }

  /** A microbatch's gradient sum, whose tensors are the caller's. Updates are counted from 1. */
  async gradient({ step, cut, microbatch }: Place): Promise<MicrobatchGradient> {
    const asked = performance.now();
    const batch = await this.feeder.microbatch({ step: step - 1, cut, microbatch });
    const inputSeconds = (performance.now() - asked) / 1000;
    const dropoutKey = { seed: this.config.seed, step, microbatch };
    const { gradients, ...sums } = this.captioner.gradientTensors(batch, dropoutKey);
    return { gradients, sums: { ...sums, captions: batch.captions, inputSeconds } };
  }

  /** One AdamW update by the gradient's sum over `captionTokens` tokens. */
  apply(gradient: Float32Array, update: { learningRate: number; captionTokens: number }): void {
    const { learningRate, captionTokens } = update;
    this.optimizer.apply(gradient, { scale: 1 / captionTokens, learningRate });
  }

  /** SHA-256 of the trainable parameters. */
  digest(): string {
    return this.captioner.digest();
  }

  /** Writes checkpoint files into a folder of the run. */
  async writeCheckpoint(folder: string, names: readonly string[]): Promise<CheckpointFile[]> {
    const written: CheckpointFile[] = [];
    for (const name of names) {
      written.push(await writeCheckpointFile(this.store, folder, name, this.captioner, this.optimizer));
    }
    return written;
  }

  /** Ends the thread that reads the data. */
  async close(): Promise<void> {
    await this.feeder.close();
  }
}
