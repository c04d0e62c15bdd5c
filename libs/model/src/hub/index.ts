export { hubSettings, type HubSettings } from './hub-settings.js';
export {
  findModel,
  meansModel,
  modelFolder,
  pinModel,
  type FoundModel,
  type HubOptions,
} from './model-folder.js';
export { parseModelName, type HubName, type ModelName } from './model-name.js';
