import { isDeepStrictEqual } from 'node:util';
import { UserError, messageOf, sha256 } from '@captrain/runtime';
import { tableFromIPC, type Data, type Table } from 'apache-arrow';
import { registerArrowCodecs } from './arrow-codecs.js';
import { ColumnFault, checkFinite, listItems, stringsOf, vectorsOf } from './arrow-columns.js';
import { contractKey } from './arrow-schema.js';
import { embeddingContract, type EmbeddingContract } from './contract.js';
import type { ShardEntry } from './manifest.js';
import { Shard } from './shard.js';

registerArrowCodecs();

/**
 * A shard's bytes as a `Shard`. Size and SHA-256 are compared with the manifest's before anything is parsed, because
 * Arrow readers take most damage for data and can hang on the rest; then schema, rows, offsets and values are
 * checked. `uri` names the file in errors. Throws `UserError`.
 */
export function readShard(
  bytes: Uint8Array,
  entry: ShardEntry,
  contract: EmbeddingContract,
  uri: string,
): Shard {
  verifyDigest(bytes, entry, uri);
  try {
    return parse(bytes, entry, contract);
  } catch (error) {
    const what = error instanceof ColumnFault ? `it has ${error.message}` : `Arrow says: ${messageOf(error)}`;
    throw new UserError(
      `${uri} does not hold the embeddings that its manifest describes: ${what}; write it again`,
      {
        cause: error,
      },
    );
  }
}

/** Throws `UserError` where a shard's bytes are not those that the manifest was written for. */
export function verifyDigest(bytes: Uint8Array, entry: ShardEntry, uri: string): void {
  const remedy = 'copy it again from where it was made, or embed it again';
  if (bytes.length !== entry.bytes) {
    const how = bytes.length < entry.bytes ? 'cut short' : 'too long';
    throw new UserError(`${uri} is ${how}: it has ${bytes.length} bytes of ${entry.bytes}; ${remedy}`);
  }
  if (sha256(bytes) !== entry.sha256)
    throw new UserError(`${uri} is damaged: its SHA-256 is not the manifest's; ${remedy}`);
}

function parse(bytes: Uint8Array, entry: ShardEntry, contract: EmbeddingContract): Shard {
  // In a file, everything lies at multiples of 8: typed arrays need that in memory too.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.from(bytes);
  if (Buffer.from(aligned.buffer, aligned.byteOffset, 6).toString('latin1') !== 'ARROW1')
    throw new ColumnFault('no Arrow IPC file in it (a stream perhaps)');
  const table = tableFromIPC(aligned);
  checkContract(table, contract);
  if (table.numRows !== entry.rows) throw new ColumnFault(`${table.numRows} rows instead of ${entry.rows}`);

  const values = vectorsOf(chunksOf(table, 'embedding'), contract, 'embedding');
  checkFinite(values, contract.dim, 'embedding');
  const ids = chunksOf(table, 'image_id').map((data) => ({ data, start: 0, end: data.length }));
  const imageIds = stringsOf(ids, 'image_id');
  const { items, offsets } = listItems(chunksOf(table, 'captions'), 'captions');
  const captions = offsets.at(-1)!;
  if (captions !== entry.captions) throw new ColumnFault(`${captions} captions instead of ${entry.captions}`);
  return new Shard(contract.dim, values, imageIds, stringsOf(items, 'captions'), offsets);
}

function chunksOf(table: Table, column: string): Data[] {
  const vector = table.getChild(column);
  if (!vector) {
    const names = table.schema.fields.map(({ name }) => name).join(', ');
    throw new ColumnFault(`no column ${column}, only ${names}`);
  }
  return vector.data.filter(({ length }) => length > 0);
}

/** A file without captrain's metadata (pyarrow's, polars') goes by its manifest alone. */
function checkContract(table: Table, contract: EmbeddingContract): void {
  const text = table.schema.metadata.get(contractKey);
  if (text === undefined) return;
  const own = embeddingContract.parse(JSON.parse(text));
  for (const key of Object.keys(embeddingContract.shape) as (keyof EmbeddingContract)[])
    if (!isDeepStrictEqual(own[key], contract[key]))
      throw new ColumnFault(`${key} "${own[key]}" where the manifest says "${contract[key]}"`);
}
