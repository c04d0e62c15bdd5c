import { tf } from '@captrain/engine';
import type { Scene } from '../scene.js';
import { colours, counts, relations, shapes, sizes } from '../scene.js';
import type { DrawnScene } from './drawn-scenes.js';

/**
 * How well linear maps of the embeddings tell a pair scene's properties: least squares on `train`, accuracy on `held`.
 * What is not to be read here, no mapper can say.
 */
export function probe(
  train: readonly DrawnScene[],
  held: readonly DrawnScene[],
  embed: (drawn: DrawnScene[]) => number[][],
): Record<string, number> {
  const pairs = (drawn: readonly DrawnScene[]) => drawn.filter(({ scene }) => scene.kind === 'pair');
  const [fitted, judged] = [pairs(train), pairs(held)];
  const [fittedRows, judgedRows] = [embedAll(fitted, embed), embedAll(judged, embed)];
  const accuracies: Record<string, number> = {};
  const right = judged.map(() => true);
  tf.tidy(() => {
    const x_NQ = tf.tensor2d(fittedRows);
    const gram_QQ = tf.matMul(x_NQ, x_NQ, true);
    const inverse = inverseOf(tf.add(gram_QQ, tf.mul(tf.eye(fittedRows[0]!.length), 1e-2)));
    for (const [name, classOf, classes] of properties) {
      const labels = tf.oneHot(
        fitted.map(({ scene }) => classOf(scene)),
        classes,
      );
      const map_QC = tf.matMul(inverse, tf.matMul(x_NQ, tf.cast(labels, 'float32'), true));
      const guesses = tf.argMax(tf.matMul(tf.tensor2d(judgedRows), map_QC), 1).arraySync() as number[];
      const hits = guesses.map((guess, index) => guess === classOf(judged[index]!.scene));
      hits.forEach((hit, index) => (right[index] &&= hit));
      accuracies[name] = hits.filter(Boolean).length / hits.length;
    }
  });
  accuracies['all'] = right.filter(Boolean).length / right.length;
  return accuracies;
}

function embedAll(drawn: DrawnScene[], embed: (drawn: DrawnScene[]) => number[][]): number[][] {
  const rows: number[][] = [];
  for (let start = 0; start < drawn.length; start += 500)
    rows.push(...embed(drawn.slice(start, start + 500)).map((row) => [...row, 1]));
  return rows;
}

/** Gauss-Jordan elimination, on the small symmetric matrices of the probe. */
function inverseOf(matrix: tf.Tensor): tf.Tensor2D {
  const rows = (matrix.arraySync() as number[][]).map((row, at) => [
    ...row,
    ...row.map((_, i) => Number(i === at)),
  ]);
  const size = rows.length;
  for (let pivot = 0; pivot < size; pivot++) {
    const scale = rows[pivot]![pivot]!;
    rows[pivot] = rows[pivot]!.map((value) => value / scale);
    for (let other = 0; other < size; other++) {
      const factor = rows[other]![pivot]!;
      if (other === pivot || factor === 0) continue;
      rows[other] = rows[other]!.map((value, at) => value - factor * rows[pivot]![at]!);
    }
  }
  return tf.tensor2d(rows.map((row) => row.slice(size)));
}

type Property = [name: string, classOf: (scene: Scene) => number, classes: number];

const properties: Property[] = [
  ['relation', (scene) => relations.indexOf(pair(scene).relation), relations.length],
  ...(['first', 'second'] as const).flatMap((which): Property[] => [
    [`${which} colour`, (scene) => colours.indexOf(pair(scene)[which].colour), colours.length],
    [`${which} shape`, (scene) => shapes.indexOf(pair(scene)[which].shape), shapes.length],
    [`${which} size`, (scene) => sizes.indexOf(pair(scene)[which].size), sizes.length],
    [`${which} count`, (scene) => counts.indexOf(pair(scene)[which].count), counts.length],
  ]),
];

function pair(scene: Scene) {
  if (scene.kind !== 'pair') throw new Error('the probe is for pairs');
  return scene;
}
