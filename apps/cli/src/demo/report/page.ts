import { formatDuration } from '@captrain/runtime';
import { lossChart } from './loss-chart.js';
import type { ReportData, Sample, VariantResult } from './report-data.js';
import { style } from './style.js';

/** The report as one page that needs no other file: pictures, curves and style stand in it. */
export function reportPage(data: ReportData): string {
  const { results, samples, heldOut, facts, stages, seconds } = data;
  const curves = results.map(({ variant, losses }) => ({
    title: escape(variant.title),
    line: variant.name,
    points: losses,
  }));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>captrain demo</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>Captions of scenes that no training step saw</h1>
<p class="soft">Two captioners, each trained on precomputed CLIP embeddings by a coordinator and its workers. They were
judged on ${heldOut} held-out pictures, whose combinations of colours and shapes never occur in training: neither
theirs nor that of the small CLIP and GPT-2 they stand on.</p>

<h2>Scores</h2>
<div class="panel">${scoreTable(results)}</div>
<p class="soft">“Shuffled” is the control: the same model is fed the embedding of another picture. A captioner that
looks at its picture must score far lower there.</p>

<h2>Training loss</h2>
<div class="panel">${lossChart(curves)}</div>

<h2>Held-out pictures</h2>
<p class="soft">The first ${samples.length} of them, not a choice. ✓ marks a caption that is, word for word, one of the
picture's five references.</p>
<div class="samples">${samples.map((sample) => sampleCard(sample, results)).join('\n')}</div>

<h2>The run</h2>
<div class="panel"><table class="facts">${facts.map(([name, value]) => row([name, value])).join('')}
${stages.map(([title, taken]) => row([title, formatDuration(taken)])).join('')}
${row(['All of it', formatDuration(seconds)])}</table></div>
</main>
</body>
</html>
`;
}

function scoreTable(results: readonly VariantResult[]): string {
  const rows = results.map(
    ({ variant, bleu4, bleu4Shuffled, captionsPerSecond, stepMilliseconds, seconds }) =>
      `<tr><td><span class="name ${variant.name}">${escape(variant.title)}</span></td><td class="big">${bleu4.toFixed(3)}</td>` +
      `<td>${bleu4Shuffled.toFixed(3)}</td><td>${Math.round(captionsPerSecond)}</td>` +
      `<td>${Math.round(stepMilliseconds)} ms</td><td>${formatDuration(seconds)}</td></tr>`,
  );
  return `<table class="scores"><tr><th>Captioner</th><th>BLEU-4</th><th>BLEU-4, shuffled</th><th>captions/s</th><th>a step</th><th>training</th></tr>${rows.join('')}</table>`;
}

function sampleCard(
  { imageId, jpeg, captions, references }: Sample,
  results: readonly VariantResult[],
): string {
  const said = results.map(({ variant }) => {
    const caption = captions[variant.name];
    const mark = references.includes(caption) ? 'right' : 'wrong';
    return `<dt class="${variant.name}">${escape(variant.shortTitle)}</dt><dd class="${mark}">${escape(caption)}</dd>`;
  });
  const listed = references.map((reference) => `<li>${escape(reference)}</li>`).join('');
  return `<article class="sample"><div><img alt="${escape(references[0] ?? '')}" src="data:image/jpeg;base64,${jpeg.toString('base64')}">
<span class="id soft">picture ${imageId}</span></div>
<div><dl>${said.join('')}</dl><details open><summary>References</summary><ul>${listed}</ul></details></div></article>`;
}

function row([name, value]: [string, string]): string {
  return `<tr><td>${escape(name)}</td><td>${escape(value)}</td></tr>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
