#!/usr/bin/env node
import { runCommands } from '@captrain/runtime';

/** Every benchmark prints tables for people and, as its last line, one JSON object `{"bench": NAME, …}`. */
await runCommands({
  name: 'bench',
  version: '0.1.0',
  summary: 'Performance claims as commands: npm run bench -- NAME',
  commands: [
    {
      name: 'smoke',
      summary: 'A short training run end to end: coordinator and two workers',
      load: async () => (await import('./smoke.js')).smoke,
    },
    {
      name: 'load',
      summary: 'Time and memory to load GPT-2 small, beside Python, and GPT-2 XL',
      load: async () => (await import('./load.js')).load,
    },
    {
      name: 'order',
      summary:
        "The loss by steps where batches are mixed of captions, and where they keep an image's together",
      load: async () => (await import('./order.js')).order,
    },
    {
      name: 'local-steps',
      summary: 'The loss by steps with local steps and without, and the bytes of a step; draws the curves',
      load: async () => (await import('./local-steps.js')).localStepsBench,
    },
    {
      name: 'train',
      summary: 'Training steps beside the reference and tuned PyTorch: speed, memory, loss',
      load: async () => (await import('./train/train.js')).train,
    },
    {
      name: 'growth',
      summary: 'Captions a second by batch size, caption length, model size and mapper layers, with plots',
      load: async () => (await import('./growth/growth.js')).growth,
    },
    {
      name: 'products',
      summary: "GFLOP/s of GPT-2 small's matrix products, by TensorFlow and by the engine's own kernel",
      load: async () => (await import('./products.js')).products,
    },
    {
      name: 'exchange',
      summary: 'A gradient exchanged between processes: beside gloo, with a delay, by number of workers',
      load: async () => (await import('./exchange/exchange.js')).exchange,
    },
    {
      name: 'scaling',
      summary: 'A model of step time and efficiency for 8 to 512 GPUs, from what bench -- exchange measured',
      load: async () => (await import('./exchange/scaling.js')).scaling,
    },
  ],
});
