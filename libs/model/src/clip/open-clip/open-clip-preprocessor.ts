import { UserError } from '@captrain/runtime';
import { z } from 'zod';
import { faultsOf, perChannel } from '../config-parts.js';
import type { ImagePreprocessor } from '../picture/image-preprocessor.js';

/** A `preprocess_cfg` of OpenCLIP; its `size` counts for nothing, as the model's own is taken. */
const preprocessConfig = z.object({
  mode: z.literal('RGB').default('RGB'),
  mean: perChannel(z.number()).default([0.48145466, 0.4578275, 0.40821073]),
  std: perChannel(z.number().positive()).default([0.26862954, 0.26130258, 0.27577711]),
  interpolation: z.enum(['bicubic', 'bilinear', 'random']).default('bicubic'),
  resize_mode: z.enum(['shortest', 'longest', 'squash']).default('shortest'),
  fill_color: z.number().int().min(0).max(255).default(0),
});

/**
 * How OpenCLIP prepares pictures for a model that takes squares of `side` pixels. Pictures become RGB before they are
 * resized, not after it as there, where palettes would be resized as numbers. What is not known is a UserError that
 * names `place`. Source: OpenCLIP's transform.py (`image_transform`).
 */
export function openClipPreprocessor(json: unknown, side: number, place: string): ImagePreprocessor {
  const given = Object.entries(json ?? {}).filter(([, value]) => value !== null);
  const parsed = preprocessConfig.safeParse(Object.fromEntries(given));
  if (!parsed.success) throw new UserError(`${place}: ${faultsOf(parsed.error, 'preprocess_cfg')}.`);
  const { mean, std, interpolation, resize_mode: mode, fill_color: fill } = parsed.data;
  const square = { width: side, height: side };
  return {
    resize: mode === 'shortest' ? { shortestEdge: side } : mode === 'squash' ? square : { within: square },
    filter: interpolation === 'bilinear' ? 'bilinear' : 'bicubic',
    crop: square,
    centring: 'even',
    fill,
    scale: 1 / 255,
    mean,
    deviation: std,
  };
}
