import { readCaptionerFolder } from '../captioner-folder/read-captioner-folder.js';
import type { LanguageModelConfig, MapperConfig } from '../config.js';

/**
 * What a run that starts from a captioner folder takes over from it: the mapper's options, how captions end, and its
 * language model. A folder of another kind is a UserError.
 */
export function startOptions(folder: string): MapperConfig & Partial<LanguageModelConfig> {
  const options: MapperConfig & Partial<LanguageModelConfig> = { ...readCaptionerFolder(folder).config };
  // Whether that is trained is the new run's own choice.
  delete options.freezeLanguageModel;
  return options;
}
