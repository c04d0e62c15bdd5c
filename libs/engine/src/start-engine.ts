import { isDeepStrictEqual } from 'node:util';
import { UserError } from '@captrain/runtime';
import type * as tfjs from '@tensorflow/tfjs-node-gpu';
import { type CollectiveMember, serverDef } from './collective/server-def.js';
import { chooseDevice, noGpu } from './choose-device.js';
import type { EngineConfig } from './config.js';
import { environmentFor } from './environment.js';
import { shieldFromSignals, withoutStderr } from './host.js';
import { loadTfjs } from './load-tensorflow.js';
import { type BuildKind, loadAddon } from './native-build.js';
import type { ThreadEvents } from './profile/op-timing.js';
import { setTf } from './tf.js';

export interface EngineOptions {
  /** Where to compute; `auto` (the default) takes a GPU where there is one. */
  device?: EngineConfig['device'] | undefined;
  /** TensorFlow's threads; 0 and undefined take one for each processor. */
  threads?: number | undefined;
  /** Strongest CPU instruction set that oneDNN may use (`ONEDNN_MAX_CPU_ISA`). */
  instructionSet?: EngineConfig['instructionSet'];
  /** The same bits for the same input and settings. Costs some speed on GPUs. Default: true. */
  deterministic?: boolean | undefined;
  /** Take part in sums among several processes: see `joinCollective`. Default: this process is alone. */
  collective?: CollectiveMember | undefined;
  /** Show what TensorFlow logs. Default: false. */
  verbose?: boolean | undefined;
}

/** What the engine runs on: a run records it beside its results. */
export interface EngineInfo {
  device: BuildKind;
  tensorflow: string;
  tfjs: string;
  /** 0: one for each processor. */
  threads: number;
  instructionSet: string | undefined;
  deterministic: boolean;
}

/** captrain's addon (native/addon.cc). */
export interface EngineAddon {
  kernelInstructionSet(): 'none' | 'avx2' | 'avx512' | 'avx512_bf16' | 'amx_bf16';
  setCollectiveServer(serverDef: Uint8Array): void;
  collectiveFault(): string;
  watchCollective(seconds: number): void;
  addressOf(array: Float32Array): number[];
  /** native/background_copy.h */
  newBackgroundCopy(into: Float32Array): { handle: unknown; address: number[] };
  startBackgroundCopy(handle: unknown, into: Float32Array): Promise<void>;
  finishBackgroundCopy(handle: unknown): void;
  /** native/block_checksums.h */
  newBlockChecksums(values: number, block: number): { handle: unknown; address: number[] };
  startBlockChecksums(handle: unknown): Promise<number[]>;
  detach(array: Float32Array): void;
  listDevices(): { name: string; type: string; bytes: number }[];
  addFunctionDef(bytes: Uint8Array): void;
  defineFunction(description: unknown): void;
  hasFunction(name: string): boolean;
  /** native/shape_graph.h */
  openShapeGraph(inputs: readonly { dtype: number; shape: readonly number[] }[]): unknown;
  addToShapeGraph(
    graph: unknown,
    node: unknown,
    shapes: readonly (readonly number[])[],
  ): { dtype: number; shape?: number[] }[];
  closeShapeGraph(graph: unknown): void;
  removeFunction(name: string): void;
  /** A serialised tensorflow.OpList of all ops. */
  opList(): Uint8Array;
  /** A serialised tensorflow.KernelList of an op's kernels. */
  kernelsOf(op: string): Uint8Array;
  startProfile(): void;
  stopProfile(): ThreadEvents[];
}

interface Started {
  options: EngineOptions;
  info: EngineInfo;
  addon: EngineAddon;
}

let started: Started | undefined;

/**
 * Loads TensorFlow into this process, once: after that `tf` and everything else of this package work. Called again
 * with the same options it does nothing; with others it throws, because TensorFlow cannot be configured anew.
 *
 * Throws a `UserError` where the native build is missing, or where a GPU is asked for and none is usable.
 */
export async function startEngine(options: EngineOptions = {}): Promise<EngineInfo> {
  if (started !== undefined) {
    if (isDeepStrictEqual(withDefaults(options), withDefaults(started.options))) return started.info;
    throw new Error(
      `The engine already runs with ${JSON.stringify(started.options)}, not with ${JSON.stringify(options)}`,
    );
  }
  const {
    device: asked,
    threads,
    instructionSet,
    deterministic,
    verbose,
    collective,
  } = withDefaults(options);
  const { device, build } = chooseDevice(asked);
  Object.assign(
    process.env,
    environmentFor({ device, threads, instructionSet, deterministic, verbose }, process.env),
  );

  shieldFromSignals();
  const server = collective === undefined ? undefined : serverDef(collective);
  const load = () => {
    const addon = loadAddon<EngineAddon>(build, 'captrain_engine.node');
    // Before tfjs has a context: devices are named anew, and tfjs keeps their names.
    if (server !== undefined) addon.setCollectiveServer(server);
    const tf = loadTfjs(build);
    return { tf, addon, devices: addon.listDevices() };
  };
  const { tf, addon, devices } = verbose ? load() : withoutStderr(load);
  const fault = addon.collectiveFault();
  if (fault !== '') throw noCollective(collective!, fault);
  await tf.ready();
  if (device === 'gpu' && !devices.some(({ type }) => type === 'GPU')) {
    throw noGpu('TensorFlow cannot use the device (--verbose shows what it says)');
  }

  const info = { device, ...versions(tf), threads, instructionSet, deterministic };
  started = { options, info, addon };
  setTf(tf);
  return info;
}

function noCollective({ addresses, rank }: CollectiveMember, fault: string): UserError {
  return new UserError(
    `This process cannot take part in a collective at ${addresses[rank]}: is that port free? TensorFlow says: ${fault}`,
  );
}

/** The addon of the running engine. */
export function engineAddon(): EngineAddon {
  return running().addon;
}

/** What the running engine runs on. */
export function engineInfo(): EngineInfo {
  return running().info;
}

/** How the running engine was started. */
export function engineOptions(): EngineOptions {
  return running().options;
}

function running(): Started {
  if (started === undefined) throw new Error('The engine was used before startEngine() had resolved');
  return started;
}

function withDefaults(options: EngineOptions) {
  return {
    device: options.device ?? 'auto',
    threads: options.threads ?? 0,
    instructionSet: options.instructionSet,
    deterministic: options.deterministic ?? true,
    verbose: options.verbose ?? false,
    collective: options.collective,
  };
}

function versions(tf: typeof tfjs): { tensorflow: string; tfjs: string } {
  const backend = tf.backend() as unknown as { binding: { TF_Version: string } };
  return { tensorflow: backend.binding.TF_Version, tfjs: tf.version['tfjs-node'] };
}
