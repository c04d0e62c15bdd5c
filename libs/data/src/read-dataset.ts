import { stat } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { listCoco } from './coco-dataset.js';
import type { DatasetImage, ListedImage, Listing } from './dataset-image.js';
import { listFlickr } from './flickr-dataset.js';
import type { ObjectStore } from './object-store.js';
import { openStore } from './open-store.js';

export interface ReadDatasetOptions {
  /** `flickr8k` is Flickr30k's layout as well. */
  readonly format: 'coco' | 'flickr8k';
  /** The data set's folder, here or in S3; or its captions file. */
  readonly uri: string;
  /** The folder of the pictures, where it is not at its usual place beside the captions. */
  readonly images?: string | undefined;
  /** The split of images whose captions file does not say one. */
  readonly split?: string | undefined;
  /** Pictures that are not there are an error, or left out and told to `onMissing`. */
  readonly missing?: 'refuse' | 'skip' | undefined;
  readonly onMissing?: ((files: readonly string[]) => void) | undefined;
}

/**
 * The images of a data set with their captions, by split and then by id: the same order on every machine. Everything
 * is checked before the first is given out. Throws `UserError` for a missing folder or captions file, a captions file that
 * cannot be read (with the place), pictures that are not there, and a data set without captions.
 */
export async function* readDataset(options: ReadDatasetOptions): AsyncGenerator<DatasetImage> {
  const { format, uri, images: pictures, split, missing = 'refuse' } = options;
  const isFile = /\.(json|txt|csv)$/.test(uri);
  const cut = uri.lastIndexOf('/');
  const folder = isFile ? uri.slice(0, Math.max(cut, 0)) || (cut === 0 ? '/' : '.') : uri;
  const store = await openDataset(folder);
  const file = isFile ? uri.slice(cut + 1) : undefined;
  const listings = await (format === 'coco' ? listCoco : listFlickr)(store, file, split);
  if (listings.every(({ images }) => images.every(({ captions }) => captions.length === 0)))
    throw new UserError(`${uri} has no captions; name a captioned data set`);

  const found: DatasetImage[] = [];
  const absent: string[] = [];
  for (const listing of listings) {
    const place = await pictureStore(store, listing, pictures, file !== undefined);
    const there = await namesIn(place, listing.images);
    for (const { imageId, name, captions, split } of listing.images) {
      const image = { imageId, file: `${place.uri}/${name}`, captions, split, read: () => place.get(name) };
      if (there.has(name)) found.push(image);
      else absent.push(image.file);
    }
  }
  if (absent.length > 0) report(absent, options, missing);
  if (found.length === 0)
    throw new UserError(`None of the pictures of ${uri} is there; check its picture folder`);
  yield* found.toSorted(bySplitAndId);
}

async function openDataset(folder: string): Promise<ObjectStore> {
  const store = await openStore(folder);
  if (path.isAbsolute(store.uri) && !(await isFolder(store.uri)))
    throw new UserError(`There is no folder ${store.uri}; check the data set's path`);
  return store;
}

/** Where a listing's pictures lie: as told, or in the first of its usual places that holds anything. */
async function pictureStore(
  store: ObjectStore,
  { folders }: Listing,
  told: string | undefined,
  besideFile: boolean,
): Promise<ObjectStore> {
  if (told !== undefined)
    return openDataset(path.isAbsolute(told) || told.includes(':/') ? told : `${store.uri}/${told}`);
  const inAnnotations = besideFile && store.uri.endsWith('/annotations');
  const root = inAnnotations ? await openStore(store.uri.slice(0, -'/annotations'.length)) : store;
  for (const folder of folders) {
    if (folder === '') return root;
    for await (const _ of root.list(`${folder}/`)) return root.child(folder);
  }
  return root;
}

/** Those of the listed names that are there. One listing of the folder is quicker than a question for each. */
async function namesIn(store: ObjectStore, images: readonly ListedImage[]): Promise<Set<string>> {
  const wanted = new Set(images.map(({ name }) => name));
  const there = new Set<string>();
  for await (const { path: name } of store.list()) if (wanted.has(name)) there.add(name);
  return there;
}

function report(absent: readonly string[], options: ReadDatasetOptions, missing: 'refuse' | 'skip'): void {
  if (missing === 'skip') return options.onMissing?.(absent);
  const first = absent.slice(0, 3).join(', ');
  const many = absent.length === 1 ? '1 picture is' : `${absent.length} pictures are`;
  throw new UserError(
    `${many} not there that the captions of ${options.uri} are for: ${first}${absent.length > 3 ? ', …' : ''}; ` +
      'get them, or let them be skipped',
  );
}

function bySplitAndId(a: DatasetImage, b: DatasetImage): number {
  if (a.split !== b.split) return a.split < b.split ? -1 : 1;
  const [x, y] = [numberOf(a.imageId), numberOf(b.imageId)];
  if (x !== y) return x - y;
  return a.imageId < b.imageId ? -1 : 1;
}

/** The number that an id is; other ids come after all numbers. */
function numberOf(id: string): number {
  return /^\d{1,15}$/.test(id) ? Number(id) : Number.MAX_SAFE_INTEGER;
}

function isFolder(folder: string): Promise<boolean> {
  return stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
