export { bleu, type Bleu } from './bleu.js';
export { pair, type Paired } from './pair.js';
export { readPredictions } from './predictions.js';
export { readReferences } from './references.js';
export { tokenize } from './tokenize.js';
