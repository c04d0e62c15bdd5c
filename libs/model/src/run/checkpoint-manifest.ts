import { messageOf, sha256 } from '@captrain/runtime';
import { z } from 'zod';
import { trainingConfig } from './run-config.js';

/** Cross-entropy in nats per caption token over a split's captions, or some of them. */
const validation = z.strictObject({
  split: z.string(),
  loss: z.number(),
  captions: z.number().int().min(0),
  tokens: z.number().int().min(0),
});
export type Validation = z.infer<typeof validation>;

const fileEntry = z.strictObject({ bytes: z.number().int().min(0), sha256: z.string().length(64) });

export const checkpointManifest = z.strictObject({
  format: z.literal(1),
  /** Steps done. */
  step: z.number().int().min(0),
  /** Updates that the optimizer has counted, where steps were skipped; as many as steps where it is not given. */
  updates: z.number().int().min(0).optional(),
  epoch: z.number().int().min(0),
  /** Captions of the epoch that have been trained on. */
  position: z.number().int().min(0),
  config: trainingConfig,
  /** SHA-256 of the data's manifest. */
  data: z.string().length(64),
  files: z.record(z.string(), fileEntry),
  validation: validation.optional(),
  /** SHA-256 of all this, as JSON without white space: a file whose bytes have changed must not pass for another one. */
  digest: z.string().length(64).optional(),
});
export type CheckpointManifest = z.infer<typeof checkpointManifest>;

/** A manifest as it is written. */
export function manifestJson(manifest: Omit<CheckpointManifest, 'digest'>): string {
  const content: CheckpointManifest = checkpointManifest.parse(manifest);
  delete content.digest;
  return `${JSON.stringify({ ...content, digest: sha256(JSON.stringify(content)) }, null, 2)}\n`;
}

/** Reads a written manifest. Throws an error that says what is wrong with it. */
export function parseManifest(bytes: Buffer): CheckpointManifest {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new Error('it is no JSON', { cause });
  }
  const { data, error } = checkpointManifest.safeParse(json);
  if (error) throw new Error("it is no checkpoint's manifest", { cause: messageOf(error) });
  // As it stands there: options that came to be since then are no part of it.
  const { digest, ...content } = json as CheckpointManifest;
  if (digest !== undefined && digest !== sha256(JSON.stringify(content)))
    throw new Error('its content is not what was written');
  return data;
}
