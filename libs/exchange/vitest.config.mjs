import { vitestConfig } from '../../tools/vitest.mjs';

export default vitestConfig(import.meta.dirname);
