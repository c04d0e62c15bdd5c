import { copyOut, tf } from '@captrain/engine';
import { AdamW, optimizerConfig } from '@captrain/model';
import type { MakeStep } from './profiled-step.js';

/**
 * The step that captrain trains with: the gradient as one compiled function, its copy for the exchange, as a worker makes
 * one for the others, and AdamW from the tensors, as a worker that is alone has it.
 */
export const compiledStep: MakeStep = (captioner, batch) => {
  const optimizer = new AdamW(captioner.variables, optimizerConfig.parse({}));
  const exchanged = new Float32Array(captioner.layout.length);
  let step = 0;
  return {
    title: 'compiled',
    run(stages) {
      // Until the first op of the compiled function, which names its stage.
      stages.begin('data');
      const dropoutKey = { seed: 1, step: step++, microbatch: 0 };
      const { captionTokens, gradients } = captioner.gradientTensors(captioner.pack(batch), dropoutKey);
      stages.begin('exchange');
      copyOut(gradients, exchanged);
      stages.begin('update');
      optimizer.apply(gradients, { scale: 1 / captionTokens, learningRate: 1e-5 });
      tf.dispose(gradients);
      stages.end();
    },
    close: () => optimizer.close(),
  };
};
