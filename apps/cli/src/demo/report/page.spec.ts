import { expect, it } from 'vitest';
import { variants } from '../variants.js';
import { runningMean, tickSize } from './loss-chart.js';
import { reportPage } from './page.js';
import { reportJson, type ReportData } from './report-data.js';

const data: ReportData = {
  results: variants.map((variant, index) => ({
    variant,
    bleu4: 0.81234 - index / 10,
    bleu4Shuffled: 0.2,
    seconds: 61,
    losses: Array.from({ length: 50 }, (_, step) => ({ step: step + 1, loss: 2 / (step + 1) })),
    captionsPerSecond: 512,
    stepMilliseconds: 125,
  })),
  samples: [
    {
      imageId: 2201,
      jpeg: Buffer.from('picture'),
      captions: { mlp: 'A <b> & "c".', transformer: 'A red star.' },
      references: ['A red star.', 'Only a red star.'],
    },
  ],
  heldOut: 300,
  facts: [['Seed', '1']],
  seconds: 240,
  stages: [['Draw', 12]],
};

it('writes report.json with the scores of both variants and the times', () => {
  expect(JSON.parse(reportJson(data))).toEqual({
    mlp: { bleu4: 0.81234, bleu4_shuffled: 0.2, seconds: 61 },
    transformer: { bleu4: 0.71234, bleu4_shuffled: 0.2, seconds: 61 },
    seconds: 240,
  });
});

it('needs no other file: pictures, style and curves stand in the page', () => {
  const page = reportPage(data);
  expect(page).toContain(`data:image/jpeg;base64,${Buffer.from('picture').toString('base64')}`);
  expect(page.match(/<polyline/g)).toHaveLength(4);
  expect(page).not.toMatch(/<(script|link|iframe)|(src|href)="(?!data:)/);
});

it('shows scores, shuffled scores, captions and references', () => {
  const page = reportPage(data);
  for (const shown of ['0.812', '0.712', '0.200', 'A red star.', 'Only a red star.', '512', '125 ms'])
    expect(page).toContain(shown);
});

it('marks a caption right where it is a reference word for word', () => {
  const page = reportPage(data);
  expect(page).toContain('<dd class="right">A red star.</dd>');
  expect(page).toContain('<dd class="wrong">A &#60;b&#62; &#38; &#34;c&#34;.</dd>');
});

it('puts about five round ticks on an axis', () => {
  expect([3.2, 48, 400, 730].map(tickSize)).toEqual([1, 10, 100, 200]);
});

it('smooths a curve without looking ahead', () => {
  const points = [4, 2, 0].map((loss, step) => ({ step, loss }));
  expect(runningMean(points).map(({ loss }) => loss)).toEqual([4, 3, 2]);
});
