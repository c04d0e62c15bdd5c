import { vitestConfig } from '../vitest.mjs';

export default vitestConfig(import.meta.dirname, { include: ['*.spec.mjs'] });
