import { UserError } from '@captrain/runtime';
import type { EmbeddingRow } from './contract.js';
import { readManifest, type DataManifest, type ShardEntry } from './manifest.js';
import { NotFoundError, type ObjectStore } from './object-store.js';
import { readShard } from './read-shard.js';
import { lastAtMost, type Shard } from './shard.js';

/** One caption with its image's vector. */
export interface Sample {
  readonly imageId: string;
  /** [dim] */
  readonly embedding: Float32Array;
  readonly caption: string;
}

/** Many captions, with the images that they are about. */
export interface Samples {
  /** [images × dim] every image once, in the order in which the captions first name them */
  readonly embeddings: Float32Array;
  /** The image of each caption: a row of `embeddings`. */
  readonly images: number[];
  readonly captions: string[];
}

/** What a run was made for; data of another kind is refused. */
export interface Expectation {
  readonly dim?: number;
  readonly encoder?: string;
  readonly encoderRevision?: string;
}

export interface DatasetOptions {
  readonly expect?: Expectation | undefined;
}

/**
 * A split of embedded images. Captions are numbered through: by shard in the manifest's order, by row, by place in the
 * row. A shard is loaded when it is first needed, once, verified, and kept as compact as on the disk.
 */
export class EmbeddingDataset {
  readonly dim: number;
  readonly encoder: string;
  /** Images. */
  readonly rows: number;
  /** Captions of all images; 0 where the images have none. */
  readonly captions: number;
  private readonly shards: readonly ShardEntry[];
  /** The first caption of each shard. */
  private readonly firstCaption: Float64Array;
  /** The first image of each shard. */
  private readonly firstRow: Float64Array;
  private readonly loaded: (Promise<Shard> | undefined)[] = [];
  private readonly ready: (Shard | undefined)[] = [];

  private constructor(
    private readonly store: ObjectStore,
    readonly manifest: DataManifest,
    readonly split: string,
  ) {
    this.shards = manifest.shardsOf(split);
    this.dim = manifest.content.dim;
    this.encoder = manifest.content.encoder;
    this.firstCaption = new Float64Array(this.shards.length);
    this.firstRow = new Float64Array(this.shards.length);
    let [captions, rows] = [0, 0];
    for (const [index, shard] of this.shards.entries()) {
      this.firstCaption[index] = captions;
      this.firstRow[index] = rows;
      captions += shard.captions;
      rows += shard.rows;
    }
    this.captions = captions;
    this.rows = rows;
  }

  /**
   * Throws `UserError` where there is no manifest, no such split, no image in it, or data of another dim or encoder
   * than expected.
   */
  static async open(
    store: ObjectStore,
    split: string,
    { expect = {} }: DatasetOptions = {},
  ): Promise<EmbeddingDataset> {
    const manifest = await readManifest(store);
    for (const key of ['encoder', 'encoderRevision', 'dim'] as const) {
      const [found, wanted] = [manifest.content[key], expect[key]];
      if (wanted !== undefined && wanted !== found)
        throw new UserError(
          `${store.uri} holds embeddings with ${names[key]} ${found}, but the run expects ${wanted}; ` +
            'name the data that the run was made for, or embed it again',
        );
    }
    return new EmbeddingDataset(store, manifest, split);
  }

  /** Another split of the same data. Throws `UserError` where there is no such split, or no image in it. */
  ofSplit(split: string): EmbeddingDataset {
    return split === this.split ? this : new EmbeddingDataset(this.store, this.manifest, split);
  }

  /** Caption `index` of 0…captions−1 with its image's vector. */
  async sample(index: number): Promise<Sample> {
    const { shard, caption } = this.locate(index);
    const from = this.ready[shard] ?? (await this.load(shard));
    const row = from.rowOf(caption);
    const embedding = new Float32Array(this.dim);
    from.readEmbedding(row, embedding);
    return { imageId: from.imageId(row), embedding, caption: from.caption(caption) };
  }

  /** Many samples at once: captions in the order of `indices`, and each image once, however many are about it. */
  async samples(indices: ArrayLike<number>): Promise<Samples> {
    const places = Array.from(indices, (index) => this.locate(index));
    const wanted = new Set(places.map(({ shard }) => shard));
    await Promise.all([...wanted].map((shard) => this.load(shard)));
    const placeOf = new Map<number, number>();
    const rows: { from: Shard; row: number }[] = [];
    const images = places.map(({ shard, caption }) => {
      const from = this.ready[shard]!;
      const row = from.rowOf(caption);
      const key = this.firstRow[shard]! + row;
      let image = placeOf.get(key);
      if (image === undefined) {
        placeOf.set(key, (image = rows.length));
        rows.push({ from, row });
      }
      return image;
    });
    const embeddings = new Float32Array(rows.length * this.dim);
    for (const [image, { from, row }] of rows.entries())
      from.readEmbedding(row, embeddings, image * this.dim);
    const captions = places.map(({ shard, caption }) => this.ready[shard]!.caption(caption));
    return { embeddings, images, captions };
  }

  /**
   * The first caption of every image, and at the end the number of captions [rows + 1]: which captions belong together.
   * Only the shards themselves know, so all are loaded, `atOnce` at a time.
   */
  async firstCaptions(atOnce = 8): Promise<Uint32Array> {
    await this.loadAll(atOnce);
    const firstCaption = new Uint32Array(this.rows + 1);
    for (const index of this.shards.keys()) {
      const shard = this.ready[index]!;
      for (let row = 0; row < shard.rows; row++)
        firstCaption[this.firstRow[index]! + row] = this.firstCaption[index]! + shard.firstCaptionOf(row);
    }
    firstCaption[this.rows] = this.captions;
    return firstCaption;
  }

  /** Loads what is not loaded yet, `atOnce` shards at a time, so that no sample has to wait for its shard. */
  async loadAll(atOnce = 8): Promise<void> {
    const left = this.shards.keys();
    const loadNext = async () => {
      for (const index of left) await this.load(index);
    };
    await Promise.all(Array.from({ length: atOnce }, loadNext));
  }

  /** Every image, in the manifest's order. The shards are not kept in memory. */
  async *eachRow(): AsyncGenerator<EmbeddingRow> {
    for (const index of this.shards.keys()) {
      const shard = this.ready[index] ?? (await this.fetch(index));
      for (let row = 0; row < shard.rows; row++) {
        const embedding = new Float32Array(this.dim);
        shard.readEmbedding(row, embedding);
        yield { imageId: shard.imageId(row), embedding, captions: shard.captionsOf(row) };
      }
    }
  }

  private locate(index: number): { shard: number; caption: number } {
    if (!(index >= 0 && index < this.captions))
      throw new RangeError(`no caption ${index} among the ${this.captions} of split "${this.split}"`);
    const shard = lastAtMost(this.firstCaption, index);
    return { shard, caption: index - this.firstCaption[shard]! };
  }

  private load(index: number): Promise<Shard> {
    const loading = (this.loaded[index] ??= this.fetch(index));
    loading.then(
      (shard) => (this.ready[index] = shard),
      // A failure that passes, such as a store's, may be tried again.
      () => (this.loaded[index] = undefined),
    );
    return loading;
  }

  private async fetch(index: number): Promise<Shard> {
    const entry = this.shards[index]!;
    const uri = `${this.store.uri}/${entry.path}`;
    const bytes = await this.store.get(entry.path).catch((cause: unknown) => {
      if (!(cause instanceof NotFoundError)) throw cause;
      throw new UserError(
        `${uri} is missing, though the manifest lists it; copy it again, or embed it again`,
        { cause },
      );
    });
    return readShard(bytes, entry, this.manifest.content, uri);
  }
}

const names = { encoder: 'the encoder', encoderRevision: 'the encoder revision', dim: 'dim' };
