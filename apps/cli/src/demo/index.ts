import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { ProgressBar, UserError, formatCount, formatDuration, formatTable } from '@captrain/runtime';
import { version } from '../version.js';
import { CommandFault, captrain } from './command.js';
import { demoPaths, makeDemoFolder, type DemoPaths } from './demo-folder.js';
import { firstSamples, resultOf } from './measure.js';
import { reportPage } from './report/page.js';
import { reportJson, type ReportData, type VariantResult } from './report/report-data.js';
import { Stages } from './stages.js';
import { sharedFlags, variants, type Variant } from './variants.js';
import { writeDataset } from './write-dataset.js';

export interface DemoConfig {
  out: string;
  seed: number;
  workers: number;
  scenes: number;
  heldOut: number;
  steps?: number | undefined;
}

const assets = path.join(import.meta.dirname, '../../assets/demo');

/**
 * The whole of captrain on generated scenes: draws them, embeds them, trains both variants by a coordinator and
 * workers, captions held-out pictures, scores the captions and writes report.html and report.json.
 * Every command runs as the process that it is for a user.
 */
export async function runDemo(config: DemoConfig, signal: AbortSignal): Promise<void> {
  const paths = demoPaths(path.resolve(config.out));
  await makeDemoFolder(paths.folder);
  try {
    await runStages(config, paths, signal);
  } catch (thrown) {
    if (thrown instanceof CommandFault && thrown.exitCode === 2)
      throw new UserError(
        `The demo stopped because "captrain ${thrown.command}" did; its reason stands above`,
      );
    throw thrown;
  }
}

async function runStages(config: DemoConfig, paths: DemoPaths, signal: AbortSignal): Promise<void> {
  const { seed, workers, scenes, heldOut } = config;
  const stages = new Stages(3 + 2 * variants.length);
  await stages.run(
    `Draw ${formatCount(scenes)} scenes for training and ${formatCount(heldOut)} held out`,
    () => draw(config, paths, signal),
  );
  await stages.run('Embed the pictures by CLIP', async () => {
    const flags = { dataset: paths.dataset, format: 'coco', encoder: path.join(assets, 'clip') };
    await captrain('embed', { ...flags, out: paths.embeddings }, { signal });
  });
  const trained = new Map<Variant, number>();
  for (const variant of variants) {
    const title = `Train: ${variant.title}, ${workers} ${workers === 1 ? 'worker' : 'workers'}`;
    await stages.run(title, () => train(variant, config, paths, signal));
    trained.set(variant, stages.seconds.get(title)!);
  }
  for (const variant of variants)
    await stages.run(`Caption held-out pictures: ${variant.title}`, () =>
      caption(variant, seed, paths, signal),
    );
  const results = await stages.run('Score the captions and write the report', async () => {
    const measured: VariantResult[] = [];
    for (const variant of variants) measured.push(await resultOf(paths, variant, trained.get(variant)!));
    return measured;
  });
  const data: ReportData = {
    results,
    samples: await firstSamples(paths, 18),
    heldOut,
    facts: factsOf(config),
    seconds: stages.total,
    stages: [...stages.seconds],
  };
  await writeFile(paths.reportPage, reportPage(data));
  await writeFile(paths.reportJson, reportJson(data));
  sayScores(data, paths);
}

async function draw(config: DemoConfig, paths: DemoPaths, signal: AbortSignal): Promise<void> {
  const { seed, scenes, heldOut } = config;
  const bar = new ProgressBar({ label: 'drawing', total: scenes + heldOut, unit: 'scenes' });
  try {
    const size = { train: scenes, val: heldOut };
    await writeDataset(paths.dataset, { seed, size, signal, onPicture: () => bar.add(1) });
  } finally {
    bar.close();
  }
}

async function train(
  variant: Variant,
  config: DemoConfig,
  paths: DemoPaths,
  signal: AbortSignal,
): Promise<void> {
  const flags = {
    data: paths.embeddings,
    run: paths.run(variant.name),
    languageModel: path.join(assets, 'gpt2'),
    workers: config.workers,
    seed: config.seed,
    ...sharedFlags,
    ...variant.flags,
    batchSize: variant.batchSize,
    steps: config.steps ?? variant.steps,
  };
  await captrain('train', flags, { signal });
}

/** Captions by the pictures' own embeddings, then by shuffled ones. */
async function caption(
  { name }: Variant,
  seed: number,
  paths: DemoPaths,
  signal: AbortSignal,
): Promise<void> {
  const flags = { run: paths.run(name), data: paths.embeddings, split: 'val', batchSize: 100 };
  await captrain('caption', { ...flags, out: paths.predictions(name, false) }, { signal });
  const shuffled = { ...flags, out: paths.predictions(name, true), shuffleEmbeddings: seed };
  await captrain('caption', shuffled, { signal });
}

function factsOf({ seed, workers, scenes, heldOut, steps }: DemoConfig): [string, string][] {
  const processors = cpus();
  const { microbatches, prefixLength } = sharedFlags;
  const counts = variants.map(
    ({ name, steps: own, batchSize }) => `${steps ?? own} of ${batchSize} captions (${name})`,
  );
  return [
    [
      'Data',
      `${formatCount(scenes)} scenes to train on, ${formatCount(heldOut)} held out, five captions each`,
    ],
    ['Processes', `a coordinator and ${workers} ${workers === 1 ? 'worker' : 'workers'} over gRPC`],
    ['Steps', `${counts.join(', ')}; ${microbatches} microbatches each`],
    ['Prefix', `${prefixLength} positions`],
    ['Seed', String(seed)],
    ['Machine', `${processors[0]?.model.trim() ?? 'unknown'}, ${processors.length} processors`],
    ['Software', `captrain ${version}, Node ${process.versions.node}`],
    [
      'Finished',
      new Date()
        .toISOString()
        .replace(/:\d\d\.\d+Z/, ' UTC')
        .replace('T', ' '),
    ],
  ];
}

function sayScores({ results, seconds }: ReportData, paths: DemoPaths): void {
  const rows = results.map(({ variant, bleu4, bleu4Shuffled }) => [
    variant.title,
    bleu4.toFixed(3),
    bleu4Shuffled.toFixed(3),
  ]);
  console.log(`\n${formatTable([['held-out pictures', 'BLEU-4', 'shuffled'], ...rows], 'lrr')}`);
  console.log(`\n${formatDuration(seconds)} in all. Open ${paths.reportPage}`);
}
