import { EmbeddingDataset, type ObjectStore, openStore } from '@captrain/data';
import { listDevices, startEngine } from '@captrain/engine';
import { AdamW, Captioner } from '@captrain/model';
import { runConfig } from '@captrain/model/run';
import type { CheckpointFile, Ready, Welcome } from '@captrain/protos';
import { parseConfig, sha256 } from '@captrain/runtime';
import { loadCheckpoint, writeCheckpointFile } from './checkpoint-files.js';
import { MicrobatchReader } from './microbatches.js';
import type { MicrobatchSums } from './subtree-gradient.js';

/** This worker's copy of the model and the optimizer, which every worker keeps identical, and its view of the data. */
export class Replica {
  private constructor(
    private readonly store: ObjectStore,
    private readonly dataset: EmbeddingDataset,
    private readonly reader: MicrobatchReader,
    private readonly captioner: Captioner,
    private readonly optimizer: AdamW,
    private readonly seed: number,
    /** What it computes on, for people. */
    readonly device: string,
  ) {}

  /**
   * Builds what the coordinator's welcome describes; `signal` stops the download of a model. Throws UserErrors for data,
   * model or checkpoint files.
   */
  static async load(welcome: Welcome, signal: AbortSignal): Promise<Replica> {
    const config = parseConfig(runConfig, JSON.parse(welcome.configJson), 'the run');
    const store = await openStore(welcome.run);
    const { dim, encoder } = welcome;
    const expect = { dim, encoder };
    const dataset = await EmbeddingDataset.open(await openStore(config.data), config.split, { expect });
    const { device, threads, instructionSet } = config;
    await startEngine({ device, threads, instructionSet, deterministic: true });
    const captioner = await Captioner.create({
      config,
      embeddingDim: dataset.dim,
      seed: config.seed,
      init: welcome.checkpoint === '' ? config.init : undefined,
      signal,
    });
    const optimizer = new AdamW(captioner.variables, config);
    if (welcome.checkpoint !== '') await loadCheckpoint(store, welcome, captioner, optimizer);
    const reader = new MicrobatchReader(dataset, config);
    // TensorFlow's name ends in device:GPU:0.
    const computesOn = listDevices().at(-1)!.name.split('device:')[1]!;
    return new Replica(store, dataset, reader, captioner, optimizer, config.seed, computesOn);
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
      captions: this.dataset.captions,
      device: this.device,
      dataDigest: this.dataset.manifest.digest,
    };
  }

  /** Microbatches of an update, counted from 1. */
  microbatchesOf(step: number): number {
    return this.reader.countOf(step - 1);
  }

  /** Writes a microbatch's gradient sum into `out`. Updates are counted from 1. */
  async gradient(step: number, microbatch: number, out: Float32Array): Promise<MicrobatchSums> {
    const { embeddings, captions } = await this.reader.read(step - 1, microbatch);
    const tokens = captions.map((caption) => this.captioner.tokenizeCaption(caption));
    const dropoutKey = { seed: this.seed, step, microbatch };
    const batch = { embeddings, tokens };
    const { lossSum, captionTokens } = this.captioner.gradient(batch, { into: out, dropoutKey });
    return { lossSum, captionTokens, captions: captions.length };
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
}
