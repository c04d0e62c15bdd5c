/** A picture of a data set, with what is said about it. */
export interface DatasetImage {
  /** COCO's number as text; Flickr's file name. */
  readonly imageId: string;
  /** Absolute path, or `s3://…`. */
  readonly file: string;
  readonly captions: readonly string[];
  readonly split: string;
  /** The file's bytes, wherever it lies. */
  read(): Promise<Buffer>;
}

/** What a format's reader finds in the caption files, before anyone has looked for the pictures. */
export interface ListedImage {
  readonly imageId: string;
  /** Path below the picture folder. */
  readonly name: string;
  readonly captions: readonly string[];
  readonly split: string;
}

/** Images of one caption file, and where their pictures may lie: the first folder that holds anything is taken. */
export interface Listing {
  readonly images: readonly ListedImage[];
  /** Below the data set; `''` is the data set's own folder. */
  readonly folders: readonly string[];
}

/** A caption as one line; empty if it says nothing. */
export function oneLine(caption: string): string {
  return caption.replaceAll(/\s+/g, ' ').trim();
}
