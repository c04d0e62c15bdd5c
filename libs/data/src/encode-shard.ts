import { Data, RecordBatch, Struct, Table, makeData, tableToIPC, type Utf8 } from 'apache-arrow';
import { columnTypes, shardSchema } from './arrow-schema.js';
import type { EmbeddingContract, EmbeddingRow } from './contract.js';
import { toFloat16 } from './float16.js';

/**
 * Rows as one Arrow IPC file of one record batch. The bytes are a function of contract and rows alone. The rows are
 * expected to be checked (`checkRow`).
 */
export function encodeShard(contract: EmbeddingContract, rows: readonly EmbeddingRow[]): Uint8Array {
  const types = columnTypes(contract);
  const length = rows.length;
  const ids = utf8Data(
    types.text,
    rows.map(({ imageId }) => imageId),
  );
  const captions = utf8Data(
    types.text,
    rows.flatMap(({ captions }) => captions),
  );
  const values = new Data(types.value, 0, length * contract.dim, 0, { 1: storedValues(contract, rows) });
  const valueOffsets = prefixSums(rows.map(({ captions }) => captions.length));
  const children = [
    ids,
    makeData({ type: types.embedding, length, nullCount: 0, child: values }),
    makeData({ type: types.captions, length, nullCount: 0, valueOffsets, child: captions }),
  ];
  const schema = shardSchema(contract);
  const struct = makeData({ type: new Struct(schema.fields), length, nullCount: 0, children });
  return tableToIPC(new Table(schema, [new RecordBatch(schema, struct)]), 'file');
}

function storedValues(
  { dim, dtype }: EmbeddingContract,
  rows: readonly EmbeddingRow[],
): Uint16Array | Float32Array {
  const values =
    dtype === 'float16' ? new Uint16Array(rows.length * dim) : new Float32Array(rows.length * dim);
  rows.forEach(({ embedding }, row) => {
    if (values instanceof Float32Array) values.set(embedding, row * dim);
    else for (let i = 0; i < dim; i++) values[row * dim + i] = toFloat16(embedding[i]!);
  });
  return values;
}

function utf8Data(type: Utf8, strings: readonly string[]): Data<Utf8> {
  const encoded = strings.map((text) => Buffer.from(text, 'utf8'));
  const valueOffsets = prefixSums(encoded.map(({ length }) => length));
  return makeData({ type, length: strings.length, nullCount: 0, valueOffsets, data: Buffer.concat(encoded) });
}

function prefixSums(lengths: readonly number[]): Int32Array {
  const sums = new Int32Array(lengths.length + 1);
  lengths.forEach((length, i) => (sums[i + 1] = sums[i]! + length));
  return sums;
}
