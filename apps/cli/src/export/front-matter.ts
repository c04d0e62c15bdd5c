import { scoreNames } from '../commands/score-names.js';
import type { Scores } from './scores.js';

export interface FrontMatter {
  name: string;
  /** Models that this one was made from, as far as the hub can know them: hub ids alone are listed. */
  baseModels: readonly string[];
  /** Names of data sets. */
  datasets: readonly string[];
  scores: readonly Scores[];
}

/**
 * The YAML that the hub reads at the top of a model card. Values stand as JSON, which YAML contains. Source:
 * https://huggingface.co/docs/hub/model-cards (metadata) and the hub's modelcard.md specification (model-index).
 */
export function frontMatter({ name, baseModels, datasets, scores }: FrontMatter): string {
  const lines = ['library_name: captrain', 'pipeline_tag: image-to-text'];
  lines.push(`tags: ${JSON.stringify(['clipcap', 'image-captioning', 'clip', 'gpt2'])}`);
  const known = baseModels.filter(isHubId).map((id) => id.replace(/@.*$/, ''));
  if (known.length > 0) lines.push(`base_model: ${JSON.stringify(known)}`);
  if (datasets.length > 0) lines.push(`datasets: ${JSON.stringify(datasets)}`);
  if (scores.length > 0) {
    lines.push(`metrics: ${JSON.stringify(metricsOf(scores))}`);
    lines.push('model-index:', `- name: ${JSON.stringify(name)}`, '  results:');
    for (const { name: dataset, values } of scores) {
      lines.push('  - task: {"type": "image-to-text", "name": "image captioning"}');
      lines.push(`    dataset: ${JSON.stringify({ type: dataset, name: dataset })}`, '    metrics:');
      for (const [key, value] of Object.entries(values))
        lines.push(`    - ${JSON.stringify({ type: metricOf(key), name: scoreNames[key] ?? key, value })}`);
    }
  }
  return `---\n${lines.join('\n')}\n---\n`;
}

/** Whether a model's name is one on the hub, `organisation/name`, and no path. */
function isHubId(name: string): boolean {
  return /^[\w-][\w.-]*\/[\w.-]+(@[\w./-]+)?$/.test(name);
}

function metricsOf(scores: readonly Scores[]): string[] {
  const keys = scores.flatMap(({ values }) => Object.keys(values)).filter((key) => key !== 'brevityPenalty');
  return [...new Set(keys.map(metricOf))];
}

/** The hub's name of a metric: without the number of words that BLEU counts. */
function metricOf(key: string): string {
  return key === 'brevityPenalty' ? 'bleu' : key.toLowerCase().replace(/\d+$/, '');
}
