export { sha256 } from './digest.js';
export { UserError, messageOf } from './user-error.js';
