import { UserError, messageOf } from '@captrain/runtime';
import { parse } from 'csv-parse/sync';
import { oneLine, type ListedImage, type Listing } from './dataset-image.js';
import { NotFoundError, type ObjectStore } from './object-store.js';

const splitFile = /^flickr_?(?:8|30)k[._](train|val|dev|test)(?:Images)?\.txt$/i;

/**
 * Flickr8k's and Flickr30k's layout: `captions.txt` (CSV with the header `image,caption`, one line a caption),
 * `images/`, and where there are any the lists `Flickr_8k.trainImages.txt` and so on (`dev` is `val`). Images
 * outside every list are of the split `rest`; without lists all are of `split`, or `train`.
 */
export async function listFlickr(
  store: ObjectStore,
  file = 'captions.txt',
  split = 'train',
): Promise<Listing[]> {
  const uri = `${store.uri}/${file}`;
  const text = await store.get(file).catch((cause: unknown) => {
    if (!(cause instanceof NotFoundError)) throw cause;
    throw new UserError(`${store.uri} has no ${file}; name a folder of the Flickr8k layout`, { cause });
  });
  const captions = captionsOf(text, uri);
  const splits = await splitsOf(store, captions);
  const images = [...captions].map(([name, texts]): ListedImage => {
    const own = splits.size === 0 ? split : (splits.get(name) ?? 'rest');
    return { imageId: name, name, captions: texts, split: own };
  });
  return [{ images, folders: ['images', 'Images', ''] }];
}

/** Captions by file name, in the file's order. */
function captionsOf(text: Buffer, uri: string): Map<string, string[]> {
  let lines: string[][];
  try {
    lines = parse(text, { bom: true, skip_empty_lines: true });
  } catch (cause) {
    throw new UserError(`${uri} is not CSV: ${messageOf(cause)}; correct that line`, { cause });
  }
  if (lines[0]?.join() !== 'image,caption')
    throw new UserError(
      `${uri} does not begin with the line "image,caption"; give the captions in that form`,
    );
  const captions = new Map<string, string[]>();
  for (const [image, caption] of lines.slice(1)) {
    const list = captions.get(image!) ?? [];
    captions.set(image!, list);
    const text = oneLine(caption!);
    if (text !== '') list.push(text);
  }
  return captions;
}

async function splitsOf(
  store: ObjectStore,
  known: ReadonlyMap<string, unknown>,
): Promise<Map<string, string>> {
  const splitOf = new Map<string, string>();
  for await (const { path } of topLevel(store)) {
    const name = splitFile.exec(path)?.[1]?.toLowerCase();
    if (name === undefined) continue;
    const split = name === 'dev' ? 'val' : name;
    const images = (await store.get(path)).toString('utf8').split(/\r?\n/).map((line) => line.trim()).filter(Boolean); // prettier-ignore
    for (const image of images) {
      const other = splitOf.get(image);
      if (other !== undefined && other !== split)
        throw new UserError(
          `${store.uri}/${path} has ${image}, which the list for ${other} has too; correct one`,
        );
      if (!known.has(image))
        throw new UserError(`${store.uri}/${path} has ${image}, which has no caption; correct the list`);
      splitOf.set(image, split);
    }
  }
  return splitOf;
}

async function* topLevel(store: ObjectStore): AsyncGenerator<{ path: string }> {
  for (const prefix of ['Flickr', 'flickr']) yield* store.list(prefix);
}
