import type { Program } from '@captrain/runtime';
import { runChildProgram } from './child-program.js';

/** Every command, imported only when called: help must not wait for TensorFlow. */
export const commands: Program['commands'] = [
  {
    name: 'demo',
    summary: 'Everything on generated scenes, in minutes, without network',
    load: async () => (await import('./commands/demo.js')).demo,
  },
  {
    name: 'embed',
    summary: "Turn a data set's images into embeddings",
    delegate: (args, signal) =>
      runChildProgram('@captrain/embedder', args, { signal, command: 'captrain embed' }),
  },
  {
    name: 'train',
    summary: 'Train a captioner on this machine with any number of workers',
    load: async () => (await import('./commands/train.js')).train,
  },
  {
    name: 'caption',
    summary: 'Write captions by a trained run',
    load: async () => (await import('./commands/caption.js')).caption,
  },
  {
    name: 'evaluate',
    summary: 'Score captions against references',
    load: async () => (await import('./commands/evaluate.js')).evaluate,
  },
  {
    name: 'export',
    summary: 'Write a trained captioner as a folder that other tools read',
    load: async () => (await import('./commands/export.js')).exportCommand,
  },
  {
    name: 'import',
    summary: 'Turn a published ClipCap checkpoint into a captioner folder',
    load: async () => (await import('./commands/import.js')).importCommand,
  },
  {
    name: 'status',
    summary: 'Ask a coordinator how its run goes',
    load: async () => (await import('./commands/status.js')).status,
  },
  {
    name: 'doctor',
    summary: 'Check this machine: engine, devices, threads, cache, storage',
    load: async () => (await import('./commands/doctor.js')).doctor,
  },
];
