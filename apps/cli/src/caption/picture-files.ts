import { ClipEncoder, UnreadableImageError, decodeImage } from '@captrain/model';
import { UserError, inBatches, mapInOrder } from '@captrain/runtime';
import type { ImageEmbedding, ImageSource } from './image-source.js';
import type { LoadedRun, RunEncoder } from './load-run.js';

/**
 * Picture files, embedded by the encoder that made the run's data: by the `model` given, or by the one that the data's
 * record names. Throws `UserError` for another encoder than the run's.
 */
export async function pictureFiles(
  run: LoadedRun,
  recorded: RunEncoder | undefined,
  {
    files,
    model,
    batchSize,
    signal,
  }: { files: readonly string[]; model: string | undefined; batchSize: number; signal: AbortSignal },
): Promise<ImageSource> {
  const chosen = model ?? recorded?.folder;
  if (chosen === undefined) {
    const name = recorded ? recorded.encoder : 'the CLIP';
    throw new UserError(
      `--encoder is missing; name ${name} that made the run's embeddings, by its folder or its name on the hub`,
    );
  }
  const encoder = await ClipEncoder.load(chosen, { signal });
  refuseOther(encoder, chosen, run, recorded);
  const skipped: string[] = [];
  return {
    count: files.length,
    skipped,
    images: embedFiles(encoder, files, batchSize, skipped),
    close: () => encoder.close(),
  };
}

function refuseOther(encoder: ClipEncoder, model: string, run: LoadedRun, recorded?: RunEncoder): void {
  if (encoder.dim !== run.captioner.embeddingDim) {
    throw new UserError(
      `The encoder ${model} makes embeddings of ${encoder.dim} values, but the run was trained on ${run.captioner.embeddingDim}; name the run's encoder with --encoder`,
    );
  }
  if (recorded && `sha256:${encoder.digest}` !== recorded.encoderRevision) {
    throw new UserError(
      `The encoder ${model} is not ${recorded.encoder}, which made the run's embeddings: its digest is another; name the run's encoder with --encoder`,
    );
  }
}

async function* embedFiles(
  encoder: ClipEncoder,
  files: readonly string[],
  batchSize: number,
  skipped: string[],
): AsyncGenerator<ImageEmbedding> {
  const decode = async (file: string) => {
    try {
      return { file, pixels: await decodeImage(file, encoder.preprocessor) };
    } catch (thrown) {
      if (thrown instanceof UnreadableImageError) return { file, fault: thrown.message };
      throw thrown;
    }
  };
  for await (const batch of inBatches(mapInOrder(files, 2 * batchSize, decode), batchSize)) {
    for (const { fault } of batch) if (fault !== undefined) skipped.push(fault);
    const readable = batch.flatMap(({ file, pixels }) => (pixels ? [{ file, pixels }] : []));
    const embeddings = encoder.embed(readable.map(({ pixels }) => pixels));
    for (const [index, { file }] of readable.entries())
      yield { imageId: file, embedding: embeddings[index]! };
  }
}
