import { tensorflowBackend } from './raw-op.js';
import { tf } from './tf.js';

export interface MemoryFigures {
  /** Tensors that tfjs holds, and their bytes. */
  tensors: number;
  tensorBytes: number;
  /** Tensors that live in TensorFlow; those never used in an op are still only JavaScript's. */
  handles: number;
  /** The process's resident set now and at its highest, in bytes. */
  residentBytes: number;
  peakResidentBytes: number;
}

export function memory(): MemoryFigures {
  const { numTensors, numBytes } = tf.memory();
  return {
    tensors: numTensors,
    tensorBytes: numBytes,
    handles: tensorflowBackend().binding.getNumOfTensors(),
    residentBytes: process.memoryUsage.rss(),
    peakResidentBytes: process.resourceUsage().maxRSS * 1024,
  };
}
