import { UserError } from '@captrain/runtime';
import { type MapperConfig, mapperConfig } from '../config.js';
import { checkShapes } from '../layout.js';
import { mapperShapes } from '../mapper/mapper.js';
import type { ClipCapCheckpoint } from './clipcap-checkpoint.js';

export interface InferredMapper {
  config: Pick<MapperConfig, 'mapper' | 'prefixLength' | 'clipLength' | 'mapperLayers' | 'mapperHeads'>;
  embeddingDim: number;
}

/**
 * What the shapes of a checkpoint's mapper tell of it, for a language model of this width. The number of heads leaves
 * no trace in shapes. A mapper that captrain does not have is a UserError.
 */
export function inferMapper(
  { mapper, place }: ClipCapCheckpoint,
  { width, heads }: { width: number; heads: number },
): InferredMapper {
  const shapeOf = (name: string) => mapper.get(`clip_project.${name}`)?.shape;
  const rows = (shape: readonly number[], what: string) => {
    if (shape[0]! % width === 0) return shape[0]! / width;
    throw new UserError(
      `${place} was trained with another language model: its ${what} of ${shape[0]} values are no multiple of the width ${width}; name the right one with --language-model.`,
    );
  };
  const [single, last, constants] = [shapeOf('weight'), shapeOf('model.2.weight'), shapeOf('prefix_const')];
  if (single !== undefined)
    throw new UserError(
      `${place} holds a single linear map (clip_project.weight), which early versions of ClipCap used for long prefixes; captrain has the MLP and the Transformer mapper.`,
    );
  const config = { clipLength: 10, mapperLayers: 8, mapperHeads: heads };
  let inferred: InferredMapper;
  if (last !== undefined) {
    const prefixLength = rows(last, 'prefix');
    const embeddingDim = shapeOf('model.0.weight')?.[1] ?? 0;
    inferred = { config: { ...config, mapper: 'mlp', prefixLength }, embeddingDim };
  } else if (constants !== undefined) {
    const linear = shapeOf('linear.weight') ?? [0, 0];
    const layers = [...mapper.keys()].map((name) => Number(/\.layers\.(\d+)\./.exec(name)?.[1] ?? -1));
    inferred = {
      config: {
        mapper: 'transformer',
        prefixLength: constants[0]!,
        clipLength: rows(linear, 'clip positions'),
        mapperLayers: Math.max(...layers) + 1,
        mapperHeads: heads,
      },
      embeddingDim: linear[1]!,
    };
  } else {
    const names = [...mapper.keys()].slice(0, 4).join(', ');
    throw new UserError(
      `${place} holds a mapper that captrain does not have (${names}); it has the MLP and the Transformer of ClipCap.`,
    );
  }
  const { embeddingDim } = inferred;
  const shapes = mapperShapes(mapperConfig.parse(inferred.config), { embeddingDim, width });
  checkShapes(shapes, { tensors: mapper }, place);
  return inferred;
}
