import { engineAddon } from './start-engine.js';

export interface Device {
  /** TensorFlow's name, `/job:localhost/replica:0/task:0/device:GPU:0`; in a collective `/job:worker/replica:0/task:1/…`. */
  name: string;
  type: string;
  /** Memory that TensorFlow may use there, in bytes; for CPUs a nominal figure. */
  bytes: number;
}

/** The devices that TensorFlow computes on in this process: the CPU, then any GPUs. */
export function listDevices(): Device[] {
  return engineAddon().listDevices();
}
