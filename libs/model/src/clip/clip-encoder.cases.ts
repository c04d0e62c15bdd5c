import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine } from '@captrain/engine';
import { expectNoLeak } from '@captrain/engine/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectClose } from '../plain-math.cases.js';
import { RandomStream } from '../random.js';
import { ClipEncoder } from './clip-encoder.js';

/** Tokens 0 to 22: single letters, start and end, as `clipVocabulary` writes them. */
export const VOCABULARY = 23;

/** A vocabulary of eleven letters, each also as the end of a word, start and end. */
export function writeClipVocabulary(folder: string): void {
  const letters = [...'abcdefghij'];
  const tokens = [
    ...letters,
    ...letters.map((letter) => `${letter}</w>`),
    '?</w>',
    '<|startoftext|>',
    '<|endoftext|>',
  ];
  const vocabulary = Object.fromEntries(tokens.map((token, id) => [token, id]));
  writeFileSync(path.join(folder, 'vocab.json'), JSON.stringify(vocabulary));
  writeFileSync(path.join(folder, 'merges.txt'), '#version: 0.2\n');
}

export interface EncoderCase {
  name: string;
  side: number;
  dim: number;
  /** Writes a model with this seed into a new folder and gives what to load. */
  write(folder: string, seed: number): string;
}

/** What every encoder does, wherever its model comes from. */
export function encoderCases({ name, side, dim, write }: EncoderCase): void {
  describe(name, () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'captrain-encoder-'));
    afterAll(() => rmSync(folder, { recursive: true }));
    const place = path.join(folder, 'tiny');
    let source: string;
    let encoder: ClipEncoder;
    beforeAll(async () => {
      await startEngine({ device: 'cpu' });
      source = write(place, 1);
      writeClipVocabulary(place);
      encoder = await ClipEncoder.load(source);
    });
    afterAll(() => encoder.close());
    const pixels = (seed: string) => new RandomStream(1, seed).normal(side * side * 3, 1);
    const rows = (embeddings: Float32Array[]) => embeddings.map((embedding) => [...embedding]);

    test('says what it is', () => {
      expect([encoder.id, encoder.dim]).toEqual([path.basename(source), dim]);
      expect(encoder.digest).toMatch(/^[0-9a-f]{64}$/);
      expect(encoder.preprocessor.crop).toEqual({ width: side, height: side });
    });

    test('embeds each picture by itself', () => {
      const [first, second] = [pixels('a'), pixels('b')];
      const together = encoder.embed([first, second]);
      expect(together.map((embedding) => embedding.length)).toEqual([dim, dim]);
      expectClose(rows(together), rows([...encoder.embed([first]), ...encoder.embed([second])]));
      expect(encoder.embed([])).toEqual([]);
      const difference = Math.hypot(...together[0]!.map((value, i) => value - together[1]![i]!));
      expect(difference).toBeGreaterThan(0.01);
    });

    test('embeds each text by itself, cut to what there is room for', async () => {
      const [short, long] = ['a b', 'c a b c a b c a b c'];
      const together = await encoder.embedTexts([short!, long!]);
      expectClose(
        rows(together),
        rows([...(await encoder.embedTexts([short!])), ...(await encoder.embedTexts([`${long} d`]))]),
      );
    });

    test('scales to length 1 where asked', async () => {
      const normal = [
        ...encoder.embed([pixels('a')], { normalized: true }),
        ...(await encoder.embedTexts(['a'], { normalized: true })),
      ];
      for (const row of normal) expect(Math.hypot(...row)).toBeCloseTo(1, 5);
    });

    test('its digest follows the weights', async () => {
      const digests = [encoder.digest];
      for (const seed of [1, 2]) {
        const other = await ClipEncoder.load(write(path.join(folder, `seed-${seed}`), seed));
        other.close();
        digests.push(other.digest);
      }
      expect(digests[1]).toBe(digests[0]);
      expect(digests[2]).not.toBe(digests[0]);
    });

    test('pictures need no tokenizer; texts say that it is missing', async () => {
      const bare = path.join(folder, 'bare');
      const other = await ClipEncoder.load(write(bare, 1));
      expect(other.embed([pixels('a')]).length).toBe(1);
      await expect(other.embedTexts(['a'])).rejects.toThrow(/bare has no tokenizer/);
      other.close();
    });

    test("another model's tokenizer is refused", async () => {
      const foreign = path.join(folder, 'foreign');
      cpSync(place, foreign, { recursive: true });
      const words = Array.from({ length: VOCABULARY + 1 }, (_, id) => [
        ['<|endoftext|>', '<|startoftext|>'][id] ?? `w${id}</w>`,
        id,
      ]);
      writeFileSync(path.join(foreign, 'vocab.json'), JSON.stringify(Object.fromEntries(words)));
      const other = await ClipEncoder.load(path.join(foreign, path.relative(place, source)));
      await expect(other.embedTexts(['a'])).rejects.toThrow(/has 24 tokens where the encoder has 23/);
      other.close();
    });

    test('leaves no tensor behind', () =>
      expectNoLeak(async () => {
        const other = await ClipEncoder.load(source);
        other.embed([pixels('a')], { normalized: true });
        await other.embedTexts(['a']);
        other.close();
      }));
  });
}
