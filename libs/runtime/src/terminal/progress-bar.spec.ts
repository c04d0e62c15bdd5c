import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { ProgressBar } from './progress-bar.js';

/** A stream that keeps what is written, as a terminal or as a pipe. */
function screen(isTTY: boolean) {
  const stream = new PassThrough();
  const chunks: string[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  Object.assign(stream, { isTTY, columns: 120, rows: 40 });
  return {
    stream: stream as unknown as NodeJS.WriteStream,
    text: () => stripVTControlCharacters(chunks.join('')),
  };
}

function run(isTTY: boolean, seconds: number) {
  const { stream, text } = screen(isTTY);
  let ms = 0;
  const bar = new ProgressBar({ label: 'embedding', total: 1200, unit: 'images', stream, now: () => ms });
  for (let i = 0; i < seconds * 10; i++) {
    ms += 100;
    bar.add(10);
  }
  return { bar, text };
}

test('writes a line every five seconds and one at the end where there is no terminal', () => {
  const { bar, text } = run(false, 12);
  bar.close();
  expect(text().trimEnd().split('\n')).toEqual([
    'embedding  500 of 1,200 images · 100 images/s · ETA 7.0 s',
    'embedding  1,000 of 1,200 images · 100 images/s · ETA 2.0 s',
    'embedding  1,200 of 1,200 images · 100 images/s · in 12 s',
  ]);
});

test('redraws one line on a terminal and leaves the last one standing', () => {
  const { bar, text } = run(true, 2);
  expect(text()).toContain('200 of 1,200 images · 100 images/s · ETA 10 s');
  bar.close();
  expect(text().trimEnd()).toMatch(/200 of 1,200 images · 100 images\/s · in 2\.0 s$/);
});

test('keeps printed lines whole above the bar', () => {
  const { bar, text } = run(true, 1);
  bar.print('skipped a.jpg');
  expect(text()).toContain('skipped a.jpg\n');
});
