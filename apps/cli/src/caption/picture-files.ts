import { ClipEncoder, UnreadableImageError, decodeImage } from '@captrain/model';
import { UserError, inBatches, mapInOrder } from '@captrain/runtime';
import type { ImageEmbedding, ImageSource } from './image-source.js';
import type { LoadedRun, RunEncoder } from './load-run.js';

/**
 * Picture files, embedded by the encoder that made the run's data: from `folder`, or from where the data's record
 * says it lay. Throws `UserError` for another encoder than the run's.
 */
export async function pictureFiles(
  run: LoadedRun,
  recorded: RunEncoder | undefined,
  { files, folder, batchSize }: { files: readonly string[]; folder: string | undefined; batchSize: number },
): Promise<ImageSource> {
  const chosen = folder ?? recorded?.folder;
  if (chosen === undefined) {
    const name = recorded ? recorded.encoder : 'the CLIP';
    throw new UserError(`--encoder is missing; name the folder of ${name} that made the run's embeddings`);
  }
  const encoder = await ClipEncoder.load(chosen);
  refuseOther(encoder, chosen, run, recorded);
  const skipped: string[] = [];
  return {
    count: files.length,
    skipped,
    images: embedFiles(encoder, files, batchSize, skipped),
    close: () => encoder.close(),
  };
}

function refuseOther(encoder: ClipEncoder, folder: string, run: LoadedRun, recorded?: RunEncoder): void {
  if (encoder.dim !== run.captioner.embeddingDim) {
    throw new UserError(
      `The encoder in ${folder} makes embeddings of ${encoder.dim} values, but the run was trained on ${run.captioner.embeddingDim}; name the run's encoder with --encoder`,
    );
  }
  if (recorded && `sha256:${encoder.digest}` !== recorded.encoderRevision) {
    throw new UserError(
      `The encoder in ${folder} is not ${recorded.encoder}, which made the run's embeddings: its digest is another; name the run's encoder with --encoder`,
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
