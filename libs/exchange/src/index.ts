export { type Subtree, alignedSubtrees, shareMicrobatches, subtreeKey } from './subtree.js';
