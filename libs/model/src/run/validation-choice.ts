import type { DataManifest } from '@captrain/data/store';
import type { RunConfig } from './run-config.js';

/** Names that data sets give their split for validation, the usual one first. */
const USUAL_SPLITS = ['val', 'validation'];

/** What a run is validated on. */
export interface ValidationChoice {
  readonly split: string;
  /** How many of the split's captions. */
  readonly captions: number;
}

/**
 * What a run over these data is validated on; undefined: on nothing. Throws a UserError where the config names a split that
 * the data do not have, or that has no captions.
 */
export function validationChoice(
  config: Pick<RunConfig, 'split' | 'validationSplit' | 'validationCaptions'>,
  manifest: DataManifest,
): ValidationChoice | undefined {
  const { validationCaptions: most } = config;
  if (most === 0) return undefined;
  const split = config.validationSplit ?? usualSplit(config.split, manifest);
  if (split === undefined) return undefined;
  return { split, captions: Math.min(most, manifest.captionsOf(split)) };
}

/** The split that is there for it, if it has captions and is not what is trained on. */
function usualSplit(trained: string, { content }: DataManifest): string | undefined {
  return USUAL_SPLITS.find(
    (split) =>
      split !== trained && content.shards.some((shard) => shard.split === split && shard.captions > 0),
  );
}
