import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { tf } from '@captrain/engine';
import { captionGreedy, loadCaptionerFolder, mapPrefix } from '@captrain/model';
import { sha256OfFile } from '@captrain/runtime';
import { maxAbsDifference } from './compare.js';
import { type ParityContext, type ParityGroup, tensorOf } from './context.js';
import { type ParityRow, atMost, identical } from './row.js';
import { type Variant, variants, writeStepTask, overVariants } from './step-task.js';

const IMAGES = 4;

/** Captioner folders, loaded in PyTorch by the Python in them; back to the reference's checkpoint, and in again. */
export const exported: ParityGroup = {
  name: 'export',
  run: overVariants(roundTrip),
};

async function roundTrip(
  context: ParityContext,
  variant: Variant,
  languageModel: string,
): Promise<ParityRow[]> {
  const { title } = variants[variant];
  const { folder } = context;
  const [first, second] = [path.join(folder, `${variant}-1`), path.join(folder, `${variant}-2`)];
  context.progress(`${title}: captrain import`);
  const task = await writeStepTask(context, { variant, languageModel, batches: IMAGES });
  const { embeddingDim: dim } = task.captioner;
  task.captioner.close();
  await importWeights(context, path.join(folder, 'start.safetensors'), languageModel, first);
  context.progress(`${title}: PyTorch`);
  await context.peer('export.py', folder, first);
  context.progress(`${title}: captrain`);
  await importWeights(context, path.join(folder, 'reference.pt'), languageModel, second);

  const embeddings = task.embeddings.subarray(0, IMAGES * dim);
  const captioner = await loadCaptionerFolder(first);
  const prefix_BPD = tf.tidy(() =>
    mapPrefix(
      captioner.parts.mapperParameters,
      captioner.parts.mapper,
      tf.tensor2d(embeddings.slice(), [IMAGES, dim]),
    ),
  );
  const prefix = prefix_BPD.dataSync() as Float32Array;
  prefix_BPD.dispose();
  const captions = captionGreedy(captioner, embeddings, { maxTokens: 12 }).map((caption) => caption.trim());
  captioner.close();
  const theirs = JSON.parse(await readFile(path.join(folder, 'captions.json'), 'utf8')) as string[];
  const expected = tensorOf(path.join(folder, 'prefix.safetensors'), 'prefix');
  return [
    atMost(
      `${title}: prefix of an export loaded in PyTorch, max abs`,
      1e-4,
      maxAbsDifference(prefix, expected),
    ),
    identical(`${title}: ${IMAGES} captions of an export loaded in PyTorch, differing`, captions, theirs),
    identical(
      `${title}: weight files after the way back to the reference's .pt, differing`,
      await digests(second),
      await digests(first),
    ),
  ];
}

function digests(captioner: string): Promise<string[]> {
  const files = ['mapper.safetensors', 'language_model/model.safetensors'];
  return Promise.all(files.map((file) => sha256OfFile(path.join(captioner, file))));
}

/** Runs the built `captrain import`. */
async function importWeights(
  { signal }: ParityContext,
  weights: string,
  languageModel: string,
  out: string,
): Promise<void> {
  const cli = path.dirname(createRequire(import.meta.url).resolve('@captrain/cli/package.json'));
  const flags = ['--weights', weights, '--language-model', languageModel, '--out', out, '--overwrite'];
  const child = spawn(process.execPath, [path.join(cli, 'dist/main.js'), 'import', ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`captrain import of ${weights} ended with exit code ${code}:\n${said}`);
}
