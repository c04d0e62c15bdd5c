/** Both mappers for one input, written out in loops over doubles: what the tensor code is compared with. */
import type { MapperConfig } from '../config.js';
import type { ParameterValues } from '../parameters.js';
import { type Rows, plainAdd, plainAffine, plainAttention, plainNorm, rowsOf } from '../plain-math.cases.js';

export function plainMlp(values: ParameterValues, width: number, embedding: number[]): Rows {
  const inner = plainAffine(values, 'clip_project.model.0', embedding).map(Math.tanh);
  return rowsOf(plainAffine(values, 'clip_project.model.2', inner), width);
}

/** Of a sequence of embeddings, each at its place; of one where the config has one frame. */
export function plainTransformer(
  values: ParameterValues,
  config: MapperConfig,
  width: number,
  sequence: Rows,
): Rows {
  const places = rowsOf(values.get('clip_project.frame_positions') ?? new Float32Array(width), width);
  const clip = sequence.flatMap((embedding, frame) =>
    rowsOf(plainAffine(values, 'clip_project.linear', embedding), width).map((row) =>
      row.map((value, i) => value + places[frame]![i]!),
    ),
  );
  let rows = [...clip, ...rowsOf(values.get('clip_project.prefix_const')!, width)];
  for (let layer = 0; layer < config.mapperLayers; layer++) {
    const name = `clip_project.transformer.layers.${layer}`;
    const affine = (x: Rows, part: string) => x.map((row) => plainAffine(values, `${name}.${part}`, row));
    const norm = (x: Rows, part: string) => x.map((row) => plainNorm(values, `${name}.${part}`, row));
    const normal = norm(rows, 'norm1');
    const keysValues = affine(normal, 'attn.to_keys_values');
    const parts = {
      queries: affine(normal, 'attn.to_queries'),
      keys: keysValues.map((row) => row.slice(0, width)),
      values: keysValues.map((row) => row.slice(width)),
    };
    const attended = plainAttention(parts, { heads: config.mapperHeads, causal: false });
    rows = plainAdd(rows, affine(attended, 'attn.project'));
    const inner = affine(norm(rows, 'norm2'), 'mlp.fc1').map((row) => row.map((value) => Math.max(0, value)));
    rows = plainAdd(rows, affine(inner, 'mlp.fc2'));
  }
  return rows.slice(clip.length);
}
