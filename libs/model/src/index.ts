export { AdamW, type AdamWState } from './adamw.js';
export { fittingCut } from './inspect/fitting-cut.js';
export { captionGradient, captionLoss, type CaptionerParts } from './captioner/caption-loss.js';
export { packBatch, type CaptionBatch, type PackedBatch } from './captioner/packed-batch.js';
export { packedTensors, type PackedTensors } from './captioner/packed-tensors.js';
export {
  Captioner,
  type BatchGradient,
  type BatchLoss,
  type CaptionerConfig,
} from './captioner/captioner.js';
export type { EmbeddingSequences } from './captioner/embedding-sequences.js';
export { captionBeam, type BeamOptions } from './captioner/beam.js';
export { captionGreedy } from './captioner/greedy.js';
export { captionSampled, type SampleOptions } from './captioner/sampled.js';
export type { WriteOptions } from './captioner/write-captions.js';
export {
  isCaptionerFolder,
  captionerOptionsOf,
  readFolderConfig,
  LANGUAGE_MODEL_FOLDER,
  MAPPER_FILE,
  type CaptionerOptions,
  type FolderConfig,
} from './captioner-folder/folder-config.js';
export { gpt2Tensors } from './captioner-folder/language-model-parts.js';
export { loadCaptionerFolder } from './captioner-folder/load-captioner-folder.js';
export { readCaptionerFolder, type CaptionerFolder } from './captioner-folder/read-captioner-folder.js';
export { refuseTaken } from './captioner-folder/replace-folder.js';
export { countParameters, type SourceTensor, type SourceTensors } from './captioner-folder/source-tensors.js';
export {
  weightBytes,
  writeCaptionerFolder,
  type CaptionerContent,
  type WriteFolderOptions,
} from './captioner-folder/write-captioner-folder.js';
export {
  readClipCapCheckpoint,
  type ClipCapCheckpoint,
  type NamedTensors,
} from './clipcap/clipcap-checkpoint.js';
export { checkpointGpt2, gpt2SizesOf } from './clipcap/infer-gpt2.js';
export { importClipCap, type ImportedCaptioner, type ImportOptions } from './clipcap/import-clipcap.js';
export { clipConfig, clipShapes, readClipConfig, type ClipConfig } from './clip/clip-config.js';
export type { ClipModel } from './clip/clip-model.js';
export { findClipSource } from './clip/clip-source.js';
export { ClipEncoder, clipTokens } from './clip/clip-encoder.js';
export type { OpenClipConfig } from './clip/open-clip/open-clip-config.js';
export { clipImageFeatures, clipTextFeatures } from './clip/clip.js';
export { initClip } from './clip/load-clip.js';
export type { ImagePreprocessor } from './clip/picture/image-preprocessor.js';
export { readImagePreprocessor } from './clip/picture/processor-config.js';
export { UnreadableImageError } from './clip/picture/read-picture.js';
export { decodeImage } from './clip/preprocess.js';
export * from './config.js';
export { dropoutRates, gpt2Config, gpt2Shapes, readGpt2Config, type Gpt2Config } from './gpt2/gpt2-config.js';
export { gpt2Embed, gpt2Head, gpt2Hidden, gpt2Logits, gpt2Step, type Gpt2Cache } from './gpt2/gpt2.js';
export type { Gpt2Computation } from './gpt2/gpt2-block.js';
export { initGpt2, loadGpt2, type LoadedGpt2 } from './gpt2/load-gpt2.js';
export {
  describeModel,
  type CaptionerDescription,
  type CheckpointDescription,
  type ClipDescription,
  type LanguageModelDescription,
  type ModelDescription,
} from './inspect/describe-model.js';
export {
  captioningMemory,
  trainingMemory,
  type MemoryCase,
  type TrainingMemory,
} from './inspect/training-memory.js';
export {
  checkShapes,
  flatOfFile,
  layoutOf,
  tensorsOfFlat,
  type LayoutEntry,
  type ParameterLayout,
} from './layout.js';
export { loadParameters, parametersOf, tensorsOfValues, type Rename } from './load-parameters.js';
export {
  embeddingDimOf,
  initMapper,
  mapPrefix,
  mapperShapes,
  type MapperComputation,
  type MapperWidths,
} from './mapper/mapper.js';
export { sumCrossEntropy } from './ops/cross-entropy.js';
export type { DropoutKey } from './ops/dropout.js';
export type { ParameterShapes, ParameterValues, Parameters } from './parameters.js';
export { RandomStream } from './random.js';
export { Tokenizer } from './text/tokenizer.js';
export { joinWeights } from './weights/join-weights.js';
export { openModelWeights, weightFiles } from './weights/model-weights.js';
export { openWeights } from './weights/open-weights.js';
export { readSafetensors } from './weights/read-safetensors.js';
export type { WeightDtype } from './weights/weight-dtype.js';
export type { WeightTensor, WeightsFile } from './weights/weights-file.js';
export {
  safetensorsParts,
  writeSafetensors,
  type TensorToWrite,
  type WritableDtype,
} from './weights/write-safetensors.js';
export {
  writeSafetensorsFile,
  writeWeights,
  type WriteWeightsOptions,
  type WrittenFile,
} from './weights/write-weights.js';
export { writeModelFolder, type ModelToWrite } from './write-model-folder.js';
