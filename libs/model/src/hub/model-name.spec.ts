import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { expect, onTestFinished, test } from 'vitest';
import { parseModelName } from './model-name.js';

test('takes what exists for a folder, however it is written', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'captrain@name-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  expect(parseModelName(folder)).toEqual({ folder });
  expect(parseModelName(path.relative('.', folder))).toEqual({ folder: path.relative('.', folder) });
});

test('takes the rest for a model on the hub, with or without a revision', () => {
  expect(parseModelName('gpt2')).toEqual({ id: 'gpt2', revision: undefined });
  expect(parseModelName('openai-community/gpt2')).toEqual({
    id: 'openai-community/gpt2',
    revision: undefined,
  });
  expect(parseModelName('org/a_b.c-1@refs/pr/3')).toEqual({ id: 'org/a_b.c-1', revision: 'refs/pr/3' });
});

test.each(['/no/such/gpt2', './gpt2', '../gpt2', '~/gpt2', 'models/gpt2/'])(
  'says of the path %s only that there is no such folder',
  (name) => {
    expect(() => parseModelName(name)).toThrow(
      new UserError(`there is no model folder ${name}; name one that exists.`),
    );
  },
);

test.each([
  ['a/b/c', 'more than one slash'],
  ['runs\\gpt2', 'is not 1 to 96'],
  ['s3://bucket/gpt2', 'more than one slash'],
  ['org/a--b', 'contains -- or ..'],
  ['org/a..b', 'contains -- or ..'],
  ['-gpt2', 'neither "-" nor "."'],
  ['org/gpt2.', 'neither "-" nor "."'],
  ['gpt2.git', 'ends in .git'],
  ['gpt 2', '"gpt 2" is not 1 to 96'],
  ['café', 'letters a–z'],
  ['', 'is not 1 to 96'],
  ['a'.repeat(97), 'is not 1 to 96'],
  ['gpt2@', '"" is no branch, tag or commit'],
  ['gpt2@../../etc', 'is no branch, tag or commit'],
  ['gpt2@/main', 'is no branch, tag or commit'],
  ['gpt2@a b', 'is no branch, tag or commit'],
  ['gpt2@a\0b', 'is no branch, tag or commit'],
])('refuses %j, which is neither, with both readings', (name, words) => {
  expect(() => parseModelName(name)).toThrow(UserError);
  expect(() => parseModelName(name)).toThrow(
    `there is no model folder ${name}, and it is no name of a model`,
  );
  expect(() => parseModelName(name)).toThrow(words);
});
