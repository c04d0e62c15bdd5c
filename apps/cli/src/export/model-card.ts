import path from 'node:path';
import { type CaptionerContent, type StoredDtype, countParameters } from '@captrain/model';
import type { TrainingConfig, Validation } from '@captrain/model/run';
import { formatCount } from '@captrain/runtime';
import { scoreNames } from '../commands/score-names.js';
import { version } from '../version.js';
import { frontMatter } from './front-matter.js';
import type { RunFacts } from './run-facts.js';
import type { Scores } from './scores.js';

/** Where a captioner comes from. */
export type Origin =
  | { kind: 'run'; facts: RunFacts; config: TrainingConfig }
  | { kind: 'checkpoint'; file: string; sha256: string; encoder: string | undefined };

export interface Card {
  title: string;
  content: Omit<CaptionerContent, 'card' | 'about'> & { embeddingDim: number };
  dtype: StoredDtype;
  /** Names of models that it was made from; hub ids get into the front matter. */
  baseModels: readonly (string | undefined)[];
  origin: Origin;
  scores: readonly Scores[];
}

/** A captioner's README.md: the hub's front matter, then what it is, how to use it, what it was trained on and by. */
export function modelCard(card: Card): string {
  const { title, baseModels, origin, scores } = card;
  const dataset = origin.kind === 'run' ? origin.facts.data?.dataset : undefined;
  const matter = frontMatter({
    name: title,
    baseModels: baseModels.filter((name) => name !== undefined),
    datasets: dataset === undefined ? [] : [localName(dataset)],
    scores,
  });
  const sections = [
    `# ${title}`,
    description(card),
    usage(origin),
    origin.kind === 'run' ? training(origin) : provenance(origin),
    ...(scores.length > 0 ? [scoreTable(scores)] : []),
  ];
  return `${matter}\n${sections.join('\n\n')}\n`;
}

function description({ content, dtype }: Card): string {
  const { options, mapper, languageModel, embeddingDim } = content;
  const kind =
    options.mapper === 'mlp'
      ? 'An MLP'
      : `A Transformer of ${options.mapperLayers} layers and ${options.mapperHeads} heads`;
  return [
    `An image captioner of the [ClipCap](https://arxiv.org/abs/2111.09734) kind, written by captrain ${version}.`,
    `${kind} (${formatCount(countParameters(mapper.values()))} parameters) turns a CLIP embedding of ${embeddingDim} values`,
    `into a prefix of ${options.prefixLength} positions, and a GPT-2 (${formatCount(countParameters(languageModel.values()))} parameters)`,
    `writes the caption behind it. Weights are ${dtype}.`,
  ].join('\n');
}

function usage(origin: Origin): string {
  const encoder = encoderOf(origin);
  return `## Use

With captrain, for picture files (\`--encoder\` names the CLIP${encoder ? `, ${encoder}` : ''}):

\`\`\`
captrain caption --model FOLDER --encoder CLIP photo.jpg
\`\`\`

In Python (PyTorch, transformers, safetensors), from this folder:

\`\`\`python
from captioner import load_captioner

model, tokenizer = load_captioner()
text = model.caption(tokenizer, embedding)  # the CLIP embedding of an image, not normalised
\`\`\`

\`language_model/\` is a folder that \`GPT2LMHeadModel.from_pretrained\` and \`AutoTokenizer.from_pretrained\` load by
themselves. \`python captioner.py reference.pt\` writes the whole as the state dict that \`ClipCaptionModel\` of
[rmokady/CLIP_prefix_caption](https://github.com/rmokady/CLIP_prefix_caption) loads.`;
}

function encoderOf(origin: Origin): string | undefined {
  const name = origin.kind === 'run' ? origin.facts.data?.encoder : origin.encoder;
  return name === undefined ? undefined : localName(name);
}

function validationRow({ loss, captions, split }: Validation): [string, string] {
  const on = `${formatCount(captions)} captions of ${split}`;
  return ['validation loss', `${loss.toFixed(4)} nats per token, on ${on}`];
}

function training({ facts, config }: { facts: RunFacts; config: TrainingConfig }): string {
  const { step, epoch, loss, validation, data, dataDigest } = facts;
  const rows: [string, string][] = [
    ['step', formatCount(step)],
    ['epochs done', String(epoch)],
    ['loss of that step', loss === undefined ? 'not recorded' : `${loss.toFixed(4)} nats per token`],
    ...(validation === undefined ? [] : [validationRow(validation)]),
    ['data', localName(data?.dataset ?? config.data)],
    ['data digest', `\`${dataDigest}\``],
  ];
  if (data !== undefined)
    rows.push(
      ['images', formatCount(data.rows)],
      ['captions', formatCount(data.captions)],
      ['encoder', `${localName(data.encoder)} (\`${data.encoderRevision}\`)`],
    );
  const { languageModel, init } = config;
  const shown = {
    ...config,
    data: localName(config.data),
    languageModel: localName(languageModel),
    ...(init !== undefined && { init: localName(init) }),
  };
  return [
    `## Training\n\n${tableOf(['', ''], rows)}`,
    `The run's config:\n\n\`\`\`json\n${JSON.stringify(shown, null, 2)}\n\`\`\``,
  ].join('\n\n');
}

function provenance({ file, sha256 }: { file: string; sha256: string }): string {
  return `## Origin\n\nImported from \`${localName(file)}\`, SHA-256 \`${sha256}\`.`;
}

function scoreTable(scores: readonly Scores[]): string {
  const rows = scores.flatMap(({ name, images, values }) =>
    Object.entries(values).map(([key, value]): [string, string, string] => [
      images === undefined ? name : `${name} (${formatCount(images)} images)`,
      scoreNames[key] ?? key,
      value.toFixed(4),
    ]),
  );
  return `## Scores\n\n${tableOf(['references', 'metric', 'score'], rows)}`;
}

function tableOf(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** A card goes to others: of a path on this machine they get the last part, of all else the whole. */
function localName(name: string): string {
  return path.isAbsolute(name) || name.startsWith('.') ? path.basename(name) : name;
}
