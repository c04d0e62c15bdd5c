import { captionsOf } from '../grammar.js';
import { seededRandom } from '../random.js';
import { randomSceneOf } from '../split.js';

/** The captions that vocabularies are learnt from: those of two thousand scenes of the training split. */
export function* trainingCaptions(seed: number): Generator<string> {
  const random = seededRandom('vocabulary', seed);
  for (let scene = 0; scene < 2000; scene++) yield* captionsOf(randomSceneOf('train', random));
}
