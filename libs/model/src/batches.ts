/**
 * What makes batches of captions, for threads that must not load TensorFlow: nothing here, nor in anything imported here,
 * does. A test holds that.
 */
export { CaptionTokenizer, type CaptionTokenizerConfig } from './captioner/caption-tokenizer.js';
export { packBatch, type CaptionBatch, type PackedBatch } from './captioner/packed-batch.js';
export { bucketOf } from '@captrain/engine/buckets';
