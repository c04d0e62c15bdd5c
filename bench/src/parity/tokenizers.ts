import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Tokenizer } from '@captrain/model';
import { flickr8kCaptions } from './captions.js';
import type { ParityGroup } from './context.js';
import { writeVocabulary } from './language-model.js';
import { type ParityRow, identical } from './row.js';

interface Expected {
  texts: string[];
  tokenizers: Record<string, { ids: number[][]; rows: number[][]; decoded: string[] }>;
}

/** Token ids and decoded texts of GPT-2's and CLIP's vocabularies, beside transformers' fast tokenizers. */
export const tokenizers: ParityGroup = {
  name: 'tokenizers',
  run: async (context) => {
    const captions = flickr8kCaptions(context.data);
    const list = path.join(context.folder, 'captions.json');
    await writeFile(list, JSON.stringify(captions));
    const gpt2 = path.join(context.folder, 'gpt2');
    await writeVocabulary(gpt2);
    context.progress('transformers');
    await context.peer('tokens.py', context.folder, gpt2, list);
    context.progress('captrain');
    const file = path.join(context.folder, 'expected.json');
    const { texts, tokenizers } = JSON.parse(await readFile(file, 'utf8')) as Expected;
    const rows: ParityRow[] = [];
    for (const [folder, { ids, rows: tokens, decoded }] of Object.entries(tokenizers)) {
      const tokenizer = await Tokenizer.load(folder);
      const name = folder === gpt2 ? "GPT-2's" : "CLIP's";
      const ours = texts.map((text) => tokenizer.encode(text));
      const count = captions.length;
      rows.push(
        identical(`${name} ids of ${count} captions, differing`, ours.slice(0, count), ids.slice(0, count)),
        identical(
          `${name} ids of ${texts.length - count} random strings, differing`,
          ours.slice(count),
          ids.slice(count),
        ),
        identical(
          `${name} texts of ${tokens.length} rows of ids, differing`,
          tokens.map((row) => tokenizer.decode(row)),
          decoded,
        ),
      );
    }
    return rows;
  },
};
