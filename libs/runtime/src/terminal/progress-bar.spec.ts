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

test('shows bytes in units that can be read, and counts what was there before for neither rate nor ETA', () => {
  const { stream, text } = screen(false);
  let ms = 0;
  const total = 5e8;
  const bar = new ProgressBar({
    label: 'downloading',
    total,
    unit: 'bytes',
    done: 1e8,
    stream,
    now: () => ms,
  });
  for (; ms < 10_000; ms += 1000) bar.add(2e7);
  bar.close();
  expect(text().trimEnd().split('\n')).toEqual([
    'downloading  220 MB of 500 MB · 24.0 MB/s · ETA 12 s',
    'downloading  300 MB of 500 MB · 20.0 MB/s · in 10 s',
  ]);
});
