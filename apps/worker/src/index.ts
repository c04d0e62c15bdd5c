/** What measures exchanges without a model takes part by. */
export { CollectiveExchange } from './link/collective-exchange.js';
export { LocalExchange } from './link/local-exchange.js';
export { Neighbours } from './link/neighbours.js';
export { type SharedView, SharedViews } from './link/shared-views.js';
export { SummingProcess } from './link/summing-process.js';
