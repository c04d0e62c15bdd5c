import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { importClipCap, openWeights, refuseTaken } from '@captrain/model';
import { modelFolder } from '@captrain/model/hub';
import { UserError, sha256OfFile } from '@captrain/runtime';
import type { ImportConfig } from '../commands/import.js';
import { modelCard } from '../export/model-card.js';
import { writeWithProgress } from '../export/write-with-progress.js';

/** `captrain import`: a published ClipCap checkpoint as a captioner folder. Throws `UserError`, and leaves nothing half. */
export async function importWeights(config: ImportConfig, signal: AbortSignal): Promise<void> {
  const { weights, out, overwrite, dtype, encoder, mapperHeads, normalizePrefix } = config;
  refuseTaken(out, overwrite);
  requireFile(weights);
  const file = await openWeights(weights);
  const languageModel = await modelFolder(config.languageModel, { signal });
  const content = await importClipCap(file, { languageModel, mapperHeads, normalizePrefix });
  const card = modelCard({
    title: path.basename(path.resolve(out)),
    content,
    dtype,
    baseModels: [config.languageModel, encoder],
    origin: { kind: 'checkpoint', file: path.resolve(weights), sha256: await sha256OfFile(weights), encoder },
    scores: [],
  });
  const about = { embeddingDim: content.embeddingDim, encoder: lasting(encoder) };
  await writeWithProgress(out, { ...content, about, card }, { dtype, overwrite, signal });
  console.log(summary(config, content));
}

function requireFile(file: string): void {
  if (!existsSync(file))
    throw new UserError(`there is no file ${file}; name a ClipCap checkpoint with --weights`);
  if (statSync(file).isDirectory())
    throw new UserError(`${file} is a folder; name the checkpoint's file with --weights`);
}

function summary(
  { out, languageModel, encoder }: ImportConfig,
  { options, embeddingDim, ownLanguageModel }: Awaited<ReturnType<typeof importClipCap>>,
): string {
  const mapper = `${options.mapper} mapper, embeddings of ${embeddingDim} values, prefix of ${options.prefixLength}`;
  const gpt2 = ownLanguageModel ? 'GPT-2 fine-tuned' : `GPT-2 as in ${languageModel}`;
  const then = encoder === undefined ? ' --encoder CLIP' : '';
  return `Wrote ${out}: ${mapper}; ${gpt2}\nCaption with: captrain caption --model ${out}${then} IMAGE`;
}

/** A folder by its absolute path, so that it is found from anywhere on this machine. */
function lasting(encoder: string | undefined): string | undefined {
  return encoder !== undefined && existsSync(encoder) ? path.resolve(encoder) : encoder;
}
