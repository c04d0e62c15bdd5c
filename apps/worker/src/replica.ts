import { type ObjectStore, openStore } from '@captrain/data';
import { copyOut, freeMemory, hasKernels, listDevices, startEngine } from '@captrain/engine';
import { AdamW, Captioner, fittingCut } from '@captrain/model';
import { modelFolder } from '@captrain/model/hub';
import { MODEL_FILE, OPTIMIZER_FILE, type RunConfig, runConfig } from '@captrain/model/run';
import type { CheckpointFile, Subtree, Welcome } from '@captrain/protos';
import { parseConfig, sha256 } from '@captrain/runtime';
import { type CheckpointToLoad, loadCheckpoint, writeCheckpointFile } from './checkpoint-files.js';
import { Feeder } from './feeder/feeder.js';
import type { Opened, Place } from './feeder/messages.js';
import { type StateFacts, stateDigest } from './state-digest.js';
import type { MicrobatchGradient } from './subtree-gradient.js';

export interface ReplicaOptions {
  readonly deviceWorkers: number;
  readonly signal: AbortSignal;
  /** What the feeder's thread runs, where tests run it from source. */
  readonly feederProgram?: URL | undefined;
}

/**
 * This worker's copy of the model and the optimizer, which every worker keeps identical, and its view of the data. `close()`
 * ends the latter.
 */
export class Replica {
  /** Updates of the run that are in it, skipped ones included. */
  private doneSteps = 0;
  /** Of the present state, once it was computed. */
  private knownDigest: string | undefined;

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
   * this one's device. Throws UserErrors for data, model or checkpoint files.
   */
  static async load(welcome: Welcome, options: ReplicaOptions): Promise<Replica> {
    const { deviceWorkers, signal, feederProgram: program } = options;
    const config = parseConfig(runConfig, JSON.parse(welcome.configJson), 'the run');
    const store = await openStore(welcome.run);
    const { dim, encoder } = welcome;
    const languageModel = await modelFolder(config.languageModel, { signal });
    const feeder = await Feeder.open({
      ...{ config, expect: { dim, encoder }, languageModel },
      ...(program && { program }),
    });
    try {
      signal.throwIfAborted();
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
      // TensorFlow's name ends in device:GPU:0.
      const computesOn = listDevices().at(-1)!.name.split('device:')[1]!;
      const replica = new Replica(store, feeder, captioner, optimizer, config, deviceWorkers, computesOn);
      if (welcome.checkpoint !== '') await replica.loadCheckpoint(welcome);
      return replica;
    } catch (error) {
      await feeder.close();
      throw error;
    }
  }

  /** Trainable values. */
  get parameters(): number {
    return this.captioner.layout.length;
  }

  /** Updates done, skipped ones included. */
  get step(): number {
    return this.doneSteps;
  }

  /** Updates that the optimizer has counted. */
  get updates(): number {
    return this.optimizer.step;
  }

  get layoutDigest(): string {
    return sha256(JSON.stringify(this.captioner.layout.entries));
  }

  /** The files that a checkpoint is made of. */
  get checkpointFiles(): string[] {
    return [MODEL_FILE, OPTIMIZER_FILE];
  }

  /** The captions and the digest of the data's manifest. */
  get data(): Opened {
    return this.feeder.data;
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
    const { batch, samples } = await this.feeder.microbatch({ step: step - 1, cut, microbatch });
    const inputSeconds = (performance.now() - asked) / 1000;
    const dropoutKey = { seed: this.config.seed, step, microbatch };
    const { gradients, ...sums } = this.captioner.gradientTensors(batch, dropoutKey);
    const seconds = (performance.now() - asked) / 1000;
    return { gradients, sums: { ...sums, captions: batch.captions, samples, seconds, inputSeconds } };
  }

  /** The next update of the run: AdamW by the gradient's sum over `captionTokens` tokens. */
  apply(gradient: Float32Array, update: { learningRate: number; captionTokens: number }): void {
    const { learningRate, captionTokens } = update;
    this.optimizer.apply(gradient, { scale: 1 / captionTokens, learningRate });
    this.advance(this.doneSteps + 1);
  }

  /** The next update of the run is left out. */
  skip(): void {
    this.advance(this.doneSteps + 1);
  }

  /** Writes parameters and both moments into arrays of `parameters` values. */
  copyState([parameters, m, v]: readonly Float32Array[]): void {
    copyOut(this.captioner.variables, parameters!);
    this.optimizer.copyMoments({ m: m!, v: v! });
  }

  /** Takes over a state that `copyState` gave, after so many steps, of which the optimizer has counted `updates`. */
  takeState(step: number, updates: number, [parameters, m, v]: readonly Float32Array[]): void {
    this.captioner.importFlat(parameters!);
    this.optimizer.importState({ step: updates, m: m!, v: v! });
    this.advance(step);
  }

  /** Takes over the state of a checkpoint of the run. Throws a UserError where a file is damaged. */
  async loadCheckpoint(checkpoint: CheckpointToLoad): Promise<void> {
    const step = await loadCheckpoint(this.store, checkpoint, this.captioner, this.optimizer);
    this.advance(step);
  }

  /** Goes back to the weights that the run began with. */
  async restart(): Promise<void> {
    const { captioner, config, optimizer } = this;
    const { embeddingDim } = captioner;
    const { seed, init } = config;
    const first = await Captioner.create({ config, embeddingDim, seed, init });
    captioner.importFlat(first.exportFlat());
    first.close();
    const zeros = new Float32Array(this.parameters);
    optimizer.importState({ step: 0, m: zeros, v: zeros });
    this.advance(0);
  }

  /** SHA-256 over the whole state; `scratch` is overwritten, and has `parameters` values. */
  async digest(scratch: Float32Array): Promise<string> {
    const { captioner, optimizer } = this;
    const arrays = function* () {
      copyOut(captioner.variables, scratch);
      yield scratch;
      optimizer.copyMoments({ m: scratch });
      yield scratch;
      optimizer.copyMoments({ v: scratch });
      yield scratch;
    };
    return (this.knownDigest ??= await stateDigest(this.facts(), arrays()));
  }

  /** The same of a state that is not this one's, at another step. */
  digestOf(step: number, updates: number, arrays: readonly Float32Array[]): Promise<string> {
    return stateDigest({ ...this.facts(), step, updates }, arrays);
  }

  private facts(): StateFacts {
    const { step, updates, layoutDigest } = this;
    return { step, updates, layoutDigest };
  }

  private advance(step: number): void {
    this.doneSteps = step;
    this.knownDigest = undefined;
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
