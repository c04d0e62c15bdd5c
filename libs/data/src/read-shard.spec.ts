import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { UserError, sha256 } from '@captrain/runtime';
import type { EmbeddingContract, EmbeddingRow } from './contract.js';
import { encodeShard } from './encode-shard.js';
import { float16Values } from './float16.js';
import type { ShardEntry } from './manifest.js';
import { readShard } from './read-shard.js';
import { exampleContract, exampleRows } from './testing/rows.js';

const fixtures = fileURLToPath(new URL('./testing/fixtures/', import.meta.url));

/** The entry that a manifest would have for these bytes. */
function entryOf(bytes: Uint8Array, rows: number, captions: number): ShardEntry {
  return { path: 'x.arrow', split: 'train', rows, captions, bytes: bytes.length, sha256: sha256(bytes) };
}

describe('shards that others wrote (the script is beside them)', () => {
  const expected = JSON.parse(readFileSync(`${fixtures}expected.json`, 'utf8')) as {
    ids: string[];
    captions: string[][];
    bits: number[][];
  };
  const files = readdirSync(fixtures).filter((name) => name.endsWith('.arrow'));

  it.each(files)('%s', (name) => {
    const bytes = readFileSync(fixtures + name);
    const float16 = /^pyarrow-(plain|batches|zstd|lz4)/.test(name);
    const contract = exampleContract({ dtype: float16 ? 'float16' : 'float32' });
    const shard = readShard(
      bytes,
      entryOf(bytes, expected.ids.length, expected.captions.flat().length),
      contract,
      name,
    );
    const embedding = new Float32Array(8);
    expected.ids.forEach((id, row) => {
      shard.readEmbedding(row, embedding);
      expect([...embedding]).toEqual(expected.bits[row]!.map((bits) => float16Values()[bits]));
      expect(shard.imageId(row)).toBe(id);
      expect(shard.captionsOf(row)).toEqual(expected.captions[row]);
    });
  });
});

describe('a damaged shard', () => {
  const rows = exampleRows(20);
  const captions = rows.flatMap((row) => row.captions).length;
  const bytes = encodeShard(exampleContract(), rows);
  const entry = entryOf(bytes, 20, captions);
  const read = (damaged: Uint8Array) => readShard(damaged, entry, exampleContract(), 's3://bucket/x.arrow');

  it('is refused wherever it was cut, with file and remedy', () => {
    for (let length = 0; length < bytes.length; length += 7)
      expect(() => read(bytes.subarray(0, length))).toThrow(
        `s3://bucket/x.arrow is cut short: it has ${length} bytes of ${bytes.length}; copy it again`,
      );
    expect(() => read(Buffer.concat([bytes, Buffer.from('x')]))).toThrow('is too long');
  });

  it('is refused wherever a bit has flipped', () => {
    for (let at = 0; at < bytes.length; at += 5) {
      const damaged = Uint8Array.from(bytes);
      damaged[at]! ^= 1 << (at % 8);
      expect(() => read(damaged)).toThrow('s3://bucket/x.arrow is damaged: its SHA-256');
    }
  });
});

describe('a shard that is not what its manifest says', () => {
  const refusal = (
    rows: EmbeddingRow[],
    contract: Partial<EmbeddingContract>,
    claim: Partial<ShardEntry & EmbeddingContract>,
  ) => {
    const bytes = encodeShard(exampleContract(contract), rows);
    const entry = entryOf(bytes, rows.length, rows.flatMap((row) => row.captions).length);
    const { rows: claimedRows = entry.rows, captions = entry.captions, ...rest } = claim;
    const manifest = exampleContract({ ...contract, ...rest });
    try {
      readShard(bytes, { ...entry, rows: claimedRows, captions }, manifest, 'x.arrow');
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      return (error as Error).message;
    }
    return 'accepted';
  };

  it('is refused for its contract, rows or captions', () => {
    expect(refusal(exampleRows(5), {}, {})).toBe('accepted');
    expect(refusal(exampleRows(5), {}, { rows: 6 })).toContain('it has 5 rows instead of 6');
    expect(refusal(exampleRows(5), {}, { captions: 1 })).toContain('captions instead of 1');
    expect(refusal(exampleRows(5), {}, { encoder: 'other' })).toContain(
      'encoder "openai/clip-vit-base-patch32" where the manifest says "other"',
    );
    expect(refusal(exampleRows(5), {}, { dim: 4 })).toContain('dim "8" where the manifest says "4"');
  });

  it('is refused for values that are not finite', () => {
    for (const dtype of ['float16', 'float32'] as const) {
      const rows = exampleRows(5);
      rows[3]!.embedding[2] = Infinity;
      expect(refusal(rows, { dtype }, {})).toContain('a value in embedding, row 3, that is not finite');
    }
  });

  it('is refused where a plain file has other columns, types or sizes', () => {
    const read = (name: string, contract: Partial<EmbeddingContract>) => {
      const bytes = readFileSync(fixtures + name);
      return () => readShard(bytes, entryOf(bytes, 48, 72), exampleContract(contract), name);
    };
    expect(read('pyarrow-plain.arrow', { dim: 9 })).toThrow('vectors of 8 values in embedding instead of 9');
    expect(read('pyarrow-large.arrow', { dtype: 'float32', dim: 4 })).toThrow(
      'vectors of 8 values in embedding',
    );
    expect(read('pyarrow-plain.arrow', { dtype: 'float32' })).toThrow('of float16 instead of float32');
    const text = Buffer.from('image,caption\n');
    expect(() => readShard(text, entryOf(text, 1, 1), exampleContract(), 'x.csv')).toThrow(
      'x.csv does not hold the embeddings that its manifest describes: it has no Arrow IPC file in it',
    );
  });
});
