import { UserError, sha256 } from '@captrain/runtime';
import { embeddingContract, type EmbeddingContract, type EmbeddingRow } from './contract.js';
import { encodeShard } from './encode-shard.js';
import { manifestOf, manifestPath, type Manifest, type ShardEntry } from './manifest.js';
import type { ObjectStore } from './object-store.js';

/** Rows of a shard: 8 MB of 512 half-precision values. */
const defaultRowsPerShard = 8192;

/**
 * Writes rows as shards, one series a split, and the manifest at the end: until then, readers find no data set. The files
 * depend on contract, rows and their order alone.
 */
export class ShardWriter {
  private readonly open = new Map<string, EmbeddingRow[]>();
  private readonly shards: ShardEntry[] = [];

  private constructor(
    private readonly store: ObjectStore,
    private readonly contract: EmbeddingContract,
    private readonly rowsPerShard: number,
  ) {}

  /**
   * Throws `UserError` where the store holds a data set already, unless told to `replace` it: then its manifest goes
   * first, so that new shards are never read by an old manifest.
   */
  static async create(
    store: ObjectStore,
    contract: EmbeddingContract,
    { rowsPerShard = defaultRowsPerShard, replace = false } = {},
  ): Promise<ShardWriter> {
    if (replace) await store.delete(manifestPath);
    else if (await store.stat(manifestPath))
      throw new UserError(
        `${store.uri} holds embeddings already; name another place, or delete its ${manifestPath}`,
      );
    return new ShardWriter(store, embeddingContract.parse(contract), rowsPerShard);
  }

  /** Adds a row, and writes its shard when it is full. The row is kept until then: do not reuse its array. */
  async add(row: EmbeddingRow & { readonly split: string }): Promise<void> {
    checkRow(this.contract, row);
    if (!/^[\w-]+$/.test(row.split))
      throw new UserError(`"${row.split}" is no name for a split; use letters, digits, - and _`);
    const rows = this.open.get(row.split) ?? [];
    this.open.set(row.split, rows);
    rows.push(row);
    if (rows.length === this.rowsPerShard) await this.write(row.split);
  }

  /** Writes what is left, then the manifest. */
  async close(): Promise<Manifest> {
    for (const [split, rows] of this.open) if (rows.length > 0) await this.write(split);
    const splits = [...this.open.keys()];
    const shards = this.shards.toSorted((a, b) => splits.indexOf(a.split) - splits.indexOf(b.split));
    const manifest = manifestOf(this.contract, shards);
    await this.store.put(manifestPath, `${JSON.stringify(manifest, null, 2)}\n`);
    return manifest;
  }

  private async write(split: string): Promise<void> {
    const rows = this.open.get(split)!;
    this.open.set(split, []);
    const index = this.shards.filter((shard) => shard.split === split).length;
    const path = `${split}-${String(index).padStart(5, '0')}.arrow`;
    const bytes = encodeShard(this.contract, rows);
    const captions = rows.reduce((sum, row) => sum + row.captions.length, 0);
    const entry = { path, split, rows: rows.length, captions, bytes: bytes.length, sha256: sha256(bytes) };
    this.shards.push(entry);
    await this.store.put(path, bytes);
  }
}

/** Throws `UserError` for a row that must not get into a data set, naming its image. */
export function checkRow(
  { dim, dtype }: EmbeddingContract,
  { imageId, embedding, captions }: EmbeddingRow,
): void {
  const fault = (what: string) =>
    new UserError(`The image "${imageId}" has ${what}; check the encoder and the data`);
  if (imageId === '') throw fault('no id');
  if (embedding.length !== dim) throw fault(`a vector of ${embedding.length} values instead of ${dim}`);
  // The largest magnitude that half precision does not round to infinity.
  const largest = dtype === 'float16' ? 65_519.99 : Number.MAX_VALUE;
  for (const value of embedding)
    if (!(Math.abs(value) <= largest))
      throw fault(`the value ${value} in its vector, which ${dtype} cannot hold`);
  if (captions.some((caption) => /\p{Surrogate}/u.test(caption)))
    throw fault('a caption that is broken Unicode');
}
