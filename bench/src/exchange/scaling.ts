import { readFileSync, writeFileSync } from 'node:fs';
import { UserError, defineCommand } from '@captrain/runtime';
import { gpt2Shapes, mapperShapes } from '@captrain/model';
import { mapperConfig } from '@captrain/model/config';
import { z } from 'zod';
import { GPT2_SMALL } from '../random-gpt2.js';
import { type TrainVariant, trainVariants } from '../train/variants.js';
import { usefulFlops } from '../train/useful-flops.js';
import { constantsFile, readConstants } from './constants.js';
import { type Variant, comparisonTable, constantsTable, variantTables } from './scaling-tables.js';

/** Width of CLIP ViT-B/32's embeddings, and of Flickr8k's captions with an end-of-text token. */
const EMBEDDING = 512;
const CAPTION_TOKENS = 13;

/** Between these the document has what this prints. */
const BEGIN = '<!-- npm run bench -- scaling -->';
const END = '<!-- end -->';

function variantOf(name: TrainVariant): Variant {
  const { title, mapper, frozen } = trainVariants[name];
  const widths = { embeddingDim: EMBEDDING, width: GPT2_SMALL.n_embd };
  const trained = [
    mapperShapes(mapperConfig.parse({ mapper }), widths),
    ...(frozen ? [] : [gpt2Shapes(GPT2_SMALL)]),
  ];
  const parameters = trained
    .flatMap((shapes) => [...shapes.values()])
    .reduce((sum, shape) => sum + shape.reduce((product, size) => product * size, 1), 0);
  const caption = Array.from({ length: CAPTION_TOKENS }, (_, token) => token);
  return { title, parameters, captionFlops: usefulFlops(name, { images: [0], captions: [caption] }, false) };
}

export const scaling = defineCommand({
  name: 'scaling',
  summary: 'Step time and efficiency of 8, 64 and 512 GPUs, from what bench -- exchange measured: Markdown',
  examples: ['npm run bench -- scaling', 'npm run bench -- scaling --document docs/scaling.md'],
  schema: z.strictObject({
    constants: z
      .string()
      .default(constantsFile)
      .describe('what bench -- exchange wrote')
      .meta({ placeholder: 'FILE' }),
    captions: z.int().min(1).default(1024).describe('captions of a step for each GPU'),
    teraflops: z
      .number()
      .positive()
      .default(300)
      .describe('useful operations that a GPU sustains, 10^12 a second: 30 % of an H100’s bfloat16 peak'),
    cores: z.int().min(1).default(64).describe('of a host'),
    gpus: z.int().min(1).default(8).describe('GPUs of a host'),
    document: z
      .string()
      .optional()
      .describe('Markdown file whose tables are replaced as well')
      .meta({ placeholder: 'FILE' }),
  }),
  run: async ({ constants: file, captions, teraflops, cores, gpus, document }) => {
    const constants = readConstants(file);
    const assumed = {
      hardware: { roundTrip: 1e-4, cores, deviceCopy: 25e9, deviceLink: 300e9, collectiveEfficiency: 0.8 },
      workersPerHost: gpus,
      flops: teraflops * 1e12,
      captions,
    };
    const tables = [
      '### What was measured',
      `On ${constants.cores} cores (${constants.processor.trim()}), ${constants.parameters} values:`,
      constantsTable(constants),
      '### Model and measurement',
      'All processes on that machine. The constants are of two workers through the coordinator; the rest is prediction.',
      comparisonTable(constants),
      ...(Object.keys(trainVariants) as TrainVariant[]).map((name) =>
        variantTables(variantOf(name), assumed, constants),
      ),
    ].join('\n\n');
    if (document !== undefined) replaceTables(document, tables);
    console.log(tables);
  },
});

function replaceTables(document: string, tables: string): void {
  const text = readFileSync(document, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new UserError(`${document} has no tables between ${BEGIN} and ${END}.`);
  writeFileSync(document, `${before!}${BEGIN}\n\n${tables}\n\n${END}${after}`);
}
