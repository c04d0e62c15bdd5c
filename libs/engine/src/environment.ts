import type { BuildKind } from './native-build.js';

export interface EnvironmentOptions {
  device: BuildKind;
  threads?: number | undefined;
  instructionSet?: string | undefined;
  deterministic: boolean;
  verbose: boolean;
}

/**
 * The environment variables by which TensorFlow is configured. It reads them while it is loaded, so they have to be
 * set before. What the user has set himself stands, except where an option says otherwise.
 */
export function environmentFor(options: EnvironmentOptions, own: NodeJS.ProcessEnv): Record<string, string> {
  const defaults: Record<string, string> = {
    // Take GPU memory as it is needed, so that several processes can share a device.
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
  };
  // 2: warnings and information stay away, errors are shown.
  if (!options.verbose) defaults['TF_CPP_MIN_LOG_LEVEL'] = '2';

  const asked: Record<string, string> = {};
  if (options.device === 'cpu') asked['CUDA_VISIBLE_DEVICES'] = '-1';
  if (options.threads) {
    asked['TF_NUM_INTRAOP_THREADS'] = String(options.threads);
    asked['TF_NUM_INTEROP_THREADS'] = String(options.threads);
  }
  if (options.instructionSet) asked['ONEDNN_MAX_CPU_ISA'] = options.instructionSet.toUpperCase();
  if (options.deterministic) {
    asked['TF_DETERMINISTIC_OPS'] = '1';
    // Without oneDNN the bits of a matmul depend on the number of threads.
    asked['TF_ENABLE_ONEDNN_OPTS'] = '1';
    asked['CUBLAS_WORKSPACE_CONFIG'] = ':4096:8';
  }
  const kept = Object.entries(defaults).filter(([name]) => own[name] === undefined);
  return { ...Object.fromEntries(kept), ...asked };
}
