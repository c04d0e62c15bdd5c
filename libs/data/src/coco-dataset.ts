import { UserError, parseConfig } from '@captrain/runtime';
import { z } from 'zod';
import { oneLine, type ListedImage, type Listing } from './dataset-image.js';
import type { ObjectStore } from './object-store.js';
import { parseJson } from './parse-json.js';

const id = z.union([z.int(), z.string().min(1)]);

/** COCO's captions files; and Karpathy's, which carry the captions inside the images. Other keys are left alone. */
const cocoSchema = z.object({
  images: z.array(
    z.object({
      id: id.optional(),
      cocoid: id.optional(),
      imgid: id.optional(),
      file_name: z.string().optional(),
      filepath: z.string().optional(),
      filename: z.string().optional(),
      split: z.string().optional(),
      sentences: z.array(z.object({ raw: z.string() })).optional(),
    }),
  ),
  annotations: z.array(z.object({ id: id.optional(), image_id: id, caption: z.string() })).default([]),
});
type Coco = z.infer<typeof cocoSchema>;

/** What a file of the standard layout is called: `annotations/captions_train2017.json`. */
const standardName = /(?:^|\/)captions_([a-z]+)(\d*)\.json$/;

/**
 * The images of one captions file (`file`), or of all `annotations/captions_*.json` of the standard layout. The split is
 * the image's own (`restval` of Karpathy's counts as `train`), else `split`, else from the file's name, else `train`.
 * Captions come in the order of their ids.
 */
export async function listCoco(
  store: ObjectStore,
  file: string | undefined,
  split?: string,
): Promise<Listing[]> {
  const files = file === undefined ? await standardFiles(store) : [file];
  const listings: Listing[] = [];
  for (const path of files) {
    const uri = `${store.uri}/${path}`;
    const coco = parseConfig(cocoSchema, parseJson((await store.get(path)).toString('utf8'), uri), uri);
    const [, part = 'train', year = ''] = standardName.exec(path) ?? [];
    const folder = `${part}${year}`;
    const folders = [folder, `images/${folder}`, 'images', ''];
    listings.push({ images: imagesOf(coco, split ?? part, uri), folders });
  }
  return listings;
}

async function standardFiles(store: ObjectStore): Promise<string[]> {
  const files: string[] = [];
  for await (const { path } of store.list('annotations/captions_'))
    if (standardName.test(path)) files.push(path);
  if (files.length === 0)
    throw new UserError(`${store.uri} has no annotations/captions_*.json; name the captions file itself`);
  const parts = files.map((file) => standardName.exec(file)![1]);
  if (new Set(parts).size < parts.length)
    throw new UserError(
      `${store.uri} has several years of one split (${files.join(', ')}); name one captions file`,
    );
  return files;
}

function imagesOf({ images, annotations }: Coco, split: string, uri: string): ListedImage[] {
  const captions = new Map<string, string[]>();
  const listed = images.map((image, index): ListedImage => {
    const imageId = String(image.id ?? image.cocoid ?? image.imgid ?? image.filename ?? '');
    const file = image.file_name ?? (image.filepath ? `${image.filepath}/${image.filename}` : image.filename);
    if (imageId === '' || !file)
      throw new UserError(`"images.${index}" in ${uri} has no id or no file_name; correct the file`);
    if (captions.has(imageId))
      throw new UserError(`${uri} has two images with the id ${imageId}; correct the file`);
    const own = (image.sentences ?? []).map(({ raw }) => oneLine(raw)).filter(Boolean);
    captions.set(imageId, own);
    const ownSplit = image.split === 'restval' ? 'train' : image.split;
    return { imageId, name: file, captions: own, split: ownSplit ?? split };
  });
  for (const { image_id, caption } of inOrder(annotations)) {
    const list = captions.get(String(image_id));
    if (!list)
      throw new UserError(`A caption in ${uri} is for the image ${image_id}, which it does not list`);
    const text = oneLine(caption);
    if (text !== '') list.push(text);
  }
  return listed;
}

/** By id where all have numbers for ids; otherwise as they stand. */
function inOrder(annotations: Coco['annotations']): Coco['annotations'] {
  if (!annotations.every(({ id }) => typeof id === 'number')) return annotations;
  return annotations.toSorted((a, b) => Number(a.id) - Number(b.id));
}
