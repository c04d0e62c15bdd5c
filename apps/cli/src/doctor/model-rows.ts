import type {
  CaptionerDescription,
  CheckpointDescription,
  LanguageModelDescription,
  ModelDescription,
} from '@captrain/model';
import { formatBytes, formatCount } from '@captrain/runtime';
import { clipName, clipRows } from './clip-rows.js';
import type { Row } from './row.js';

/** What a model is, in rows for people. */
export function modelRows(model: ModelDescription): Row[] {
  const { parameters, weights } = model;
  const files = weights.files.length > 2 ? `${weights.files.length} files` : weights.files.join(', ');
  return [
    ['model', `${kindOf(model)}, ${model.place}`],
    ...sizesOf(model),
    ['parameters', formatCount(parameters)],
    ['weights', `${formatBytes(weights.bytes)} of ${weights.dtypes.join(', ')} in ${files}`],
  ];
}

function kindOf(model: ModelDescription): string {
  if (model.kind === 'language model') return 'language model (GPT-2)';
  if (model.kind === 'CLIP') return `CLIP ${clipName(model.config)}`;
  return model.kind === 'captioner' ? 'captioner folder' : model.kind;
}

function sizesOf(model: ModelDescription): Row[] {
  switch (model.kind) {
    case 'language model':
      return languageModelRows(model);
    case 'CLIP':
      return clipRows(model);
    case 'captioner':
      return captionerRows(model);
    case 'ClipCap checkpoint':
      return checkpointRows(model);
  }
}

function languageModelRows({ config, tokenizer }: LanguageModelDescription): Row[] {
  const { n_layer, n_embd, n_head, n_positions, vocab_size, activation_function, tie_word_embeddings } =
    config;
  const head = tie_word_embeddings ? 'tied head' : 'head of its own';
  return [
    [
      'language model',
      `${n_layer} layers, width ${n_embd}, ${n_head} heads, ${n_positions} positions, ${activation_function}, ${head}`,
    ],
    [
      'tokenizer',
      `${formatCount(tokenizer.tokens)} tokens (the model knows ${formatCount(vocab_size)}), end of text ${tokenizer.endOfTextId}`,
    ],
  ];
}

function captionerRows({ options, embeddingDim, encoder, languageModel }: CaptionerDescription): Row[] {
  return [
    ['mapper', mapperOf(options, embeddingDim, options.mapperHeads)],
    ['encoder', encoder ?? 'not recorded; name it with --encoder'],
    ...languageModelRows(languageModel),
  ];
}

function checkpointRows({ mapper, languageModel }: CheckpointDescription): Row[] {
  const sizes = languageModel;
  return [
    [
      'mapper',
      mapper === undefined
        ? 'MLP; its prefix length depends on the language model'
        : mapperOf(mapper.config, mapper.embeddingDim),
    ],
    [
      'language model',
      sizes === undefined
        ? 'none in the file'
        : `GPT-2 of ${sizes.layers} layers, width ${sizes.width}, ${sizes.positions} positions, ${formatCount(sizes.vocabulary)} tokens`,
    ],
    ['to use it', 'captrain import'],
  ];
}

function mapperOf(
  config: { mapper: string; prefixLength: number; clipLength: number; mapperLayers: number },
  embeddingDim: number,
  heads?: number,
): string {
  const ends = `embeddings of ${embeddingDim} values to a prefix of ${config.prefixLength}`;
  if (config.mapper === 'mlp') return `MLP, ${ends}`;
  const ofHeads = heads === undefined ? '' : `, ${heads} heads`;
  return `Transformer of ${config.mapperLayers} layers${ofHeads}, ${config.clipLength} clip positions, ${ends}`;
}
