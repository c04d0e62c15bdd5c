import path from 'node:path';
import { tf } from '@captrain/engine';
import { ClipEncoder, readSafetensors } from '@captrain/model';
import { maxAbsDifference } from './compare.js';
import { type ParityContext, type ParityGroup, tensorOf } from './context.js';
import { type ParityRow, atMost } from './row.js';

const models = [
  ['transformers', 'ViT-B/32'],
  ['transformers', 'ViT-B/16'],
  ['transformers', 'ViT-B/16 with gelu'],
  ['transformers', 'ViT-L/14'],
  ['transformers', 'ViT-L/14@336'],
  ['open_clip', 'ViT-B-32'],
  ['open_clip', 'ViT-B-32-quickgelu'],
  ['open_clip', 'RN50x4'],
] as const;

/** Embeddings of prepared pixels and of token ids, of CLIPs in both layouts. */
export const clip: ParityGroup = {
  name: 'clip',
  run: async (context) => {
    const rows: ParityRow[] = [];
    for (const [kind, name] of models) rows.push(...(await embeddings(context, kind, name)));
    return rows;
  },
};
