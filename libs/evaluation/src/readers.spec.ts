import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pair } from './pair.js';
import { readPredictions } from './predictions.js';
import { readReferences } from './references.js';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'captrain-evaluation-'))));
afterAll(() => rm(folder, { recursive: true }));

async function write(text: string): Promise<string> {
  const file = path.join(folder, 'file.json');
  await writeFile(file, text);
  return file;
}

it('brings COCO results and COCO captions together by image id, whether number or text', async () => {
  const predictions = await readPredictions(
    await write('[{"image_id": 7, "caption": "a dog"}, {"image_id": "b", "caption": "a cat"}]'),
  );
  const references = await readReferences(
    await write(`{"info": {}, "images": [{"id": 7}], "annotations": [
      {"id": 1, "image_id": "b", "caption": "one cat"}, {"id": 2, "image_id": 7, "caption": "one dog"},
      {"id": 3, "image_id": 7, "caption": "dogs"}, {"id": 4, "image_id": 8, "caption": "nothing"}]}`),
  );
  expect(pair(predictions, references)).toEqual({
    imageIds: ['7', 'b'],
    candidates: ['a dog', 'a cat'],
    references: [['one dog', 'dogs'], ['one cat']],
  });
});

it.each([
  [readPredictions, '{', /file\.json is not JSON/],
  [readPredictions, '{"annotations": []}', /file\.json is not a COCO results file: .*array/],
  [readPredictions, '[{"image_id": 1, "caption": 3}]', /not a COCO results file: .* at 0\.caption/],
  [readPredictions, '[]', /holds no predictions/],
  [
    readPredictions,
    '[{"image_id":1,"caption":""},{"image_id":"1","caption":""}]',
    /two captions for image 1/,
  ],
  [readReferences, '[]', /not a COCO captions file/],
  [readReferences, '{"annotations": []}', /holds no annotations/],
])('%o refuses %j with one sentence', async (read, text, sentence) => {
  const failure = await read(await write(text)).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(UserError);
  expect((failure as UserError).message).toMatch(sentence);
  expect((failure as UserError).message).not.toContain('\n');
});

it('names the file that is not there', async () => {
  await expect(readReferences(path.join(folder, 'none.json'))).rejects.toThrow(/none\.json .*check the path/);
});

it('refuses a prediction for an image that the references do not know', () => {
  expect(() => pair(new Map([['9', 'a dog']]), new Map([['1', ['a dog']]]))).toThrow(/image 9 .* same split/);
});
