import { tf } from '@captrain/engine';
import { AdamW, optimizerConfig } from '@captrain/model';
import type { MakeStep } from './profiled-step.js';
import type { StageRecorder } from './stage-recorder.js';

/** The step op by op: the gradient as a worker computes it, its copy for the exchange, and AdamW from that copy. */
export const eagerStep: MakeStep = (captioner, batch) => {
  const optimizer = new AdamW(captioner.variables, optimizerConfig.parse({}));
  const into = new Float32Array(captioner.layout.length);
  let step = 0;
  return {
    title: 'op by op',
    run(stages) {
      // Until the loss begins to be computed, the batch is made into tensors.
      stages.begin('data');
      const { captionTokens } = withStagesOfTfjs(stages, () =>
        captioner.gradient(batch, { into, dropoutKey: { seed: 1, step: step++, microbatch: 0 } }),
      );
      stages.begin('update');
      optimizer.apply(into, { scale: 1 / captionTokens, learningRate: 1e-5 });
      stages.end();
    },
    close: () => optimizer.close(),
  };
};

/**
 * Tells forward, backward, and what follows (the gradients are read, to be exchanged) of a gradient that tfjs computes
 * within `work`: its engine runs them in scopes of those names.
 */
function withStagesOfTfjs<Result>(stages: StageRecorder, work: () => Result): Result {
  const engine = tf.engine();
  const { tidy } = engine;
  const observed: typeof tidy = (nameOrWork, inScope) => {
    const stage = nameOrWork === 'forward' || nameOrWork === 'backward' ? nameOrWork : undefined;
    if (stage !== undefined) stages.begin(stage);
    const value = tidy.call(engine, nameOrWork, inScope) as ReturnType<NonNullable<typeof inScope>>;
    if (stage === 'backward') stages.begin('exchange');
    return value;
  };
  // An own property hides the method of the class until it is deleted.
  engine.tidy = observed;
  try {
    return work();
  } finally {
    Reflect.deleteProperty(engine, 'tidy');
  }
}
