import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { flickr8kCaptions, golden } from './flickr8k.cases.js';
import { tokenize } from './tokenize.js';

it('cuts all of Flickr8k’s captions, but for the one with “at&t”, exactly as CoreNLP in pycocoevalcap does', () => {
  const digest = createHash('sha256');
  for (const caption of [...flickr8kCaptions().values()].flat()) {
    if (!/at&t/i.test(caption)) digest.update(tokenize(caption).join(' ') + '\n');
  }
  expect(digest.digest('hex')).toBe(golden.tokens_sha256);
});

it.each([
  // Each pair was given by pycocoevalcap 1.2's PTBTokenizer.
  [
    "He can't, won't and shouldn't; it's John's 'quoted' \"word\".",
    "he ca n't wo n't and should n't it 's john 's quoted word",
  ],
  [
    'gonna wanna cannot (brackets) and/or 50% $5',
    'gon na wan na can not -lrb- brackets -rrb- and/or 50 % $ 5',
  ],
  ['3.5 1,000 5:30 p.m. U.S. Mr. Smith', '3.5 1,000 5:30 p.m. u.s. mr. smith'],
  ['well-known -- dash - a--b ... wait... 1/2 10-year-old', 'well-known dash a b wait 1/2 10-year-old'],
  ['naïve café – em … “quotes” ‘single’ it’s', "naïve café em quotes single it 's"],
  ['dog,cat and dog/cat t-shirt', 'dog cat and dog/cat t-shirt'],
])('cuts %j as CoreNLP does', (caption, words) => {
  expect(tokenize(caption).join(' ')).toBe(words);
});

it('finds no words in an empty caption', () => {
  expect(tokenize(' . ')).toEqual([]);
});
