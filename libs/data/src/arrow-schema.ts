import { Field, FixedSizeList, Float16, Float32, List, Schema, Utf8 } from 'apache-arrow';
import type { EmbeddingContract } from './contract.js';

/** The key of the schema metadata under which the contract stands as JSON. */
export const contractKey = 'captrain';

/** The Arrow types of a shard's columns. */
export function columnTypes({ dim, dtype }: EmbeddingContract) {
  const text = new Utf8();
  const value = dtype === 'float16' ? new Float16() : new Float32();
  const embedding = new FixedSizeList(dim, new Field('item', value));
  const captions = new List(new Field('item', text));
  return { text, value, embedding, captions };
}

/** The schema of every shard that captrain writes: nothing in it is null. */
export function shardSchema(contract: EmbeddingContract): Schema {
  const { text, embedding, captions } = columnTypes(contract);
  return new Schema(
    [new Field('image_id', text), new Field('embedding', embedding), new Field('captions', captions)],
    new Map([[contractKey, JSON.stringify(contract)]]),
  );
}
