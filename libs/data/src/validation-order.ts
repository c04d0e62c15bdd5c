import { sampleOrder } from './sample-order.js';

/**
 * The captions that runs are validated on: `chosen` of a split's `captions`, by their position in it. A random choice, but
 * the same in every run, so that losses can be compared; more captions are the same ones and others behind them.
 */
export function validationOrder(captions: number, chosen: number): Uint32Array {
  return sampleOrder({ seed: 0, epoch: 0, count: captions }).slice(0, chosen);
}
