import { UserError } from '@captrain/runtime';
import type { HubFault } from './hub-fault.js';
import type { HubSettings } from './hub-settings.js';
import { type HubName, showName } from './model-name.js';

/** A fault of the hub as one sentence for the user: what was asked for, where, and what to do. Never with the token. */
export function faultSentence(fault: HubFault, name: HubName, settings: HubSettings): UserError {
  return new UserError(sentence(fault, name, settings), { cause: fault });
}

function sentence(
  { kind, message }: HubFault,
  name: HubName,
  { endpoint, cache, token }: HubSettings,
): string {
  const model = showName(name);
  const local = `there is no folder ${model} here, and`;
  switch (kind) {
    case 'unreachable':
      return `${local} ${model} is not in the cache ${cache} and cannot be fetched from ${endpoint} (${message}); check the network and HF_ENDPOINT, or name a folder.`;
    case 'limited':
      return `${endpoint} takes no more requests from here for now (${message}), and ${model} is not in the cache ${cache}; try again later${token ? '' : ', or set HF_TOKEN'}.`;
    case 'wrong token':
      return `${endpoint} does not accept the token in ${token?.source ?? 'HF_TOKEN'} (${message}); get a new one at ${endpoint}/settings/tokens, or remove it.`;
    case 'gated':
      return `${endpoint} does not give ${model} to ${token ? `the token in ${token.source}` : 'just anybody'}: ask for access at ${endpoint}/${name.id}${token ? '' : ', and set HF_TOKEN to a token of yours'}.`;
    case 'no model':
      return `${local} ${endpoint} has no model ${name.id}${token ? ` that the token in ${token.source} can see` : ', or it is private'}; check the name${token ? '' : ', and set HF_TOKEN for a private model'}.`;
    case 'no revision':
      return `${name.id} on ${endpoint} has no revision "${name.revision ?? 'main'}"; name a branch, tag or commit of it after @.`;
    case 'no file':
      return `${endpoint} lists files of ${model} that it does not give (${message}); try again later, or name another revision.`;
    case 'no hub':
      return `${endpoint} does not answer as a hub does for ${model} (${message}); check HF_ENDPOINT.`;
  }
}
