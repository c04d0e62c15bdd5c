export { embedConfig, type EmbedConfig } from './embed-config.js';
