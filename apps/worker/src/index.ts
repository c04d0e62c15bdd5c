/** What measures exchanges without a model takes part by. */
export { LocalExchange } from './link/local-exchange.js';
export { Neighbours } from './link/neighbours.js';
export { SharedViews } from './link/shared-views.js';
