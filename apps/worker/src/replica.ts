import { type ObjectStore, openStore } from '@captrain/data';
import { freeMemory, hasKernels, listDevices, startEngine } from '@captrain/engine';
import { AdamW, type BatchLoss, Captioner, fittingCut } from '@captrain/model';
import { modelFolder } from '@captrain/model/hub';
import { type RunConfig, runConfig } from '@captrain/model/run';
import type { Welcome } from '@captrain/protos';
import { faultPoint, parseConfig } from '@captrain/runtime';
import type { Algorithm } from './algorithm.js';
import { loadCheckpoint } from './checkpoint-files.js';
import { Feeder } from './feeder/feeder.js';
import type { Opened, ValidationPart } from './feeder/messages.js';
import { Gradients } from './gradients.js';
import { LocalRounds } from './local-rounds.js';
import { Synchronous } from './synchronous.js';
import type { ThreadPrograms } from './thread-programs.js';
import { TrainingState } from './training-state.js';

/** A checkpoint as messages name it: a folder of the run, and the SHA-256 of its files. */
export type CheckpointToLoad = Pick<Welcome, 'checkpoint' | 'checkpointDigests'>;

export interface ReplicaOptions {
  readonly deviceWorkers: number;
  readonly signal: AbortSignal;
  readonly programs?: ThreadPrograms | undefined;
}

/**
 * This worker's copy of the model, whose state every worker keeps identical, and its view of the data. `close()` ends the
 * latter.
 */
export class Replica {
  private constructor(
    private readonly store: ObjectStore,
    private readonly feeder: Feeder,
    private readonly captioner: Captioner,
    private readonly config: RunConfig,
    private readonly deviceWorkers: number,
    /** What training changes. */
    readonly state: TrainingState,
    /** How. */
    readonly algorithm: Algorithm,
    /** What it computes on, for people. */
    readonly device: string,
  ) {}

  /**
   * Builds what the coordinator's welcome describes; `signal` stops the download of a model. `deviceWorkers` compute on
   * this one's device. Throws UserErrors for data, model or checkpoint files.
   */
  static async load(welcome: Welcome, options: ReplicaOptions): Promise<Replica> {
    const { deviceWorkers, signal, programs } = options;
    const config = parseConfig(runConfig, JSON.parse(welcome.configJson), 'the run');
    const store = await openStore(welcome.run);
    const { dim, encoder } = welcome;
    const languageModel = await modelFolder(config.languageModel, { signal });
    const feeder = await Feeder.open({
      ...{ config, expect: { dim, encoder }, languageModel },
      ...(programs && { program: programs.feeder }),
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
      const outer = config.localSteps > 1;
      const state = new TrainingState(captioner, new AdamW(captioner.variables, config), { outer });
      const gradients = new Gradients(feeder, captioner, config.seed);
      const algorithm = outer
        ? new LocalRounds(gradients, state, config, feeder.data.captions)
        : new Synchronous(gradients, state);
      // TensorFlow's name ends in device:GPU:0.
      const computesOn = listDevices().at(-1)!.name.split('device:')[1]!;
      const parts = [store, feeder, captioner, config, deviceWorkers] as const;
      const replica = new Replica(...parts, state, algorithm, computesOn);
      return replica;
    } catch (error) {
      await feeder.close();
      throw error;
    }
  }

  /** The captions and the digest of the data's manifest. */
  get data(): Opened {
    return this.feeder.data;
  }

  /** The fewest microbatches of a global batch that the device has memory for, by an estimate. */
  fittingCut(): number {
    const { gpt2, maxCaptionTokens, embeddingDim } = this.captioner;
    const { batchSize, freezeLanguageModel, checkpointActivations, localSteps, islands } = this.config;
    const { bytes: free, onHost } = freeMemory(this.deviceWorkers);
    const model = { gpt2, mapper: this.config, embeddingDim, freezeLanguageModel, checkpointActivations };
    const steps = { batchSize, localSteps, islands };
    const run = { ...model, ...steps, captionTokens: maxCaptionTokens, kernels: hasKernels() };
    return fittingCut(run, { free, onHost });
  }

  /** The loss of captions to validate on, by the present state and without dropout. */
  async validate(part: ValidationPart): Promise<BatchLoss> {
    return this.captioner.packedLoss(await this.feeder.validationBatch(part));
  }

  /** Takes over the state of a checkpoint of the run. Throws a UserError where a file is damaged. */
  async loadCheckpoint({ checkpoint: folder, checkpointDigests }: CheckpointToLoad): Promise<void> {
    const { layout } = this.captioner;
    const step = Number(/\d+$/.exec(folder)![0]);
    faultPoint('loading-checkpoint', step);
    const outer = this.config.localSteps > 1;
    const loaded = await loadCheckpoint(this.store, folder, checkpointDigests, layout, { outer });
    this.state.take(step, loaded.updates, [loaded.parameters, loaded.mean, loaded.square, loaded.outer]);
  }

  /** Goes back to the weights that the run began with. */
  async restart(): Promise<void> {
    const { config } = this;
    const { embeddingDim, layout } = this.captioner;
    const { seed, init } = config;
    const first = await Captioner.create({ config, embeddingDim, seed, init });
    const zeros = new Float32Array(layout.length);
    this.state.take(0, 0, [first.exportFlat(), zeros, zeros, zeros]);
    first.close();
  }

  /** Ends the thread that reads the data. */
  async close(): Promise<void> {
    await this.feeder.close();
  }
}
