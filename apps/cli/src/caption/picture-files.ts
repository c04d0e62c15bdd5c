import { ClipEncoder, UnreadableImageError, decodeImage } from '@captrain/model';
import { UserError, inBatches, mapInOrder } from '@captrain/runtime';
import type { ImageEmbedding, ImageSource } from './image-source.js';
import type { LoadedCaptioner } from './load-run.js';

/**
 * Picture files, embedded by the encoder that the captioner was trained with: by the `model` given, or by the one that
 * is recorded. Throws `UserError` for another encoder.
 */
export async function pictureFiles(
  loaded: LoadedCaptioner,
  {
    files,
    model,
    batchSize,
    signal,
  }: { files: readonly string[]; model: string | undefined; batchSize: number; signal: AbortSignal },
): Promise<ImageSource> {
  const chosen = model ?? loaded.encoder?.folder;
  if (chosen === undefined) {
    const name = loaded.encoder?.encoder ?? 'the CLIP';
    throw new UserError(
      `--encoder is missing; name ${name} that made the embeddings trained on, by its folder or its name on the hub`,
    );
  }
  const encoder = await ClipEncoder.load(chosen, { signal });
  try {
    refuseOther(encoder, chosen, loaded);
  } catch (thrown) {
    encoder.close();
    throw thrown;
  }
  const skipped: string[] = [];
  return {
    count: files.length,
    skipped,
    images: embedFiles(encoder, files, batchSize, skipped),
    close: () => encoder.close(),
  };
}

function refuseOther(encoder: ClipEncoder, model: string, loaded: LoadedCaptioner): void {
  const { captioner, encoder: known } = loaded;
  if (encoder.dim !== captioner.embeddingDim) {
    throw new UserError(
      `The encoder ${model} makes embeddings of ${encoder.dim} values, but the captioner was trained on ${captioner.embeddingDim}; name its encoder with --encoder`,
    );
  }
  if (known?.encoderRevision !== undefined && `sha256:${encoder.digest}` !== known.encoderRevision) {
    throw new UserError(
      `The encoder ${model} is not ${known.encoder}, which made the embeddings trained on: its digest is another; name that encoder with --encoder`,
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
