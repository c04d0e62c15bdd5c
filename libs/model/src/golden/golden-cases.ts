import { captionerCases } from './captioner-cases.js';
import { clipCases } from './clip-cases.js';
import type { GoldenCase } from './golden-case.js';
import { gpt2Cases } from './gpt2-cases.js';

/** Every case of `golden.json`. */
export const goldenCases: readonly GoldenCase[] = [...gpt2Cases, ...captionerCases, ...clipCases];
