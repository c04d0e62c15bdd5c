#!/usr/bin/env node
import { defineCommand, runCommand } from '@captrain/runtime';
import { embedConfig } from './embed-config.js';
import { version } from './version.js';

const command = defineCommand({
  name: process.env['CAPTRAIN_COMMAND'] ?? 'captrain-embedder',
  summary: "Turns a data set's images into embeddings: Arrow shards with captions, and a manifest",
  examples: [
    'captrain embed --dataset coco --format coco --encoder openai/clip-vit-base-patch32 --out embeddings',
    'captrain embed --dataset flickr8k --format flickr8k --encoder clip --out s3://bucket/flickr8k --split val',
  ],
  schema: embedConfig,
  // TensorFlow only loads once the flags are right.
  run: async (config, { signal }) => (await import('./embed.js')).embed(config, signal),
});

await runCommand(command, version);
