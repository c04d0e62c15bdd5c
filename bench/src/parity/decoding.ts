import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Captioner, captionBeam, captionGreedy, languageModelConfig, mapperConfig } from '@captrain/model';
import type { ParityGroup } from './context.js';
import { writeVocabulary } from './language-model.js';
import { type ParityRow, identical } from './row.js';

interface Expected {
  prefixLength: number;
  maxTokens: number;
  embeddings: number[];
  cases: {
    captionEnd: 'end-of-text' | 'full-stop';
    beams?: number;
    temperature?: number;
    texts: string[];
  }[];
}

/** Texts of greedy decoding and of the reference's beam search, from the same weights. */
export const decoding: ParityGroup = {
  name: 'decoding',
  run: async (context) => {
    const { folder } = context;
    const vocabulary = path.join(folder, 'vocabulary');
    await writeVocabulary(vocabulary);
    context.progress('PyTorch');
    await context.peer('decoding.py', folder, vocabulary);
    const expected = JSON.parse(await readFile(path.join(folder, 'expected.json'), 'utf8')) as Expected;
    const { prefixLength, maxTokens } = expected;
    const embeddings = Float32Array.from(expected.embeddings);
    const rows: ParityRow[] = [];
    for (const { captionEnd, beams, temperature, texts } of expected.cases) {
      context.progress(`captrain: ${beams ?? 1} beams, ${captionEnd}`);
      const config = {
        ...mapperConfig.parse({ prefixLength }),
        ...languageModelConfig.parse({
          languageModel: path.join(folder, 'gpt2'),
          freezeLanguageModel: true,
          captionEnd,
        }),
      };
      const captioner = await Captioner.load({ config, weights: path.join(folder, 'start.safetensors') });
      const ours =
        beams === undefined
          ? captionGreedy(captioner, embeddings, { maxTokens })
          : captionBeam(captioner, embeddings, { beams, temperature, maxTokens });
      captioner.close();
      const how = beams === undefined ? 'greedy' : `${beams} beams, temperature ${temperature}`;
      rows.push(
        identical(`captions, ${how}, end at ${captionEnd}: ${texts.length} texts, differing`, ours, texts),
      );
    }
    return rows;
  },
};
