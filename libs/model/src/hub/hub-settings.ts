import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { UserError } from '@captrain/runtime';

/** How long to bear with a hub that does not answer as it should. */
export interface Patience {
  /** Tries of a request, or of a download that does not get on. */
  readonly attempts: number;
  /** Before the second try; twice as long before every further one. */
  readonly firstPauseMs: number;
  /** The longest wait for a hub that asks for one (`Retry-After`). */
  readonly longestPauseMs: number;
  /** A connection that gives nothing for so long is taken as dropped. */
  readonly stallMs: number;
}

export interface HubToken {
  readonly value: string;
  /** Where it was found, for people. */
  readonly source: string;
}

/** Which hub, and what it is known by: the same variables as for Python's huggingface_hub. */
export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** Folder that holds `models--org--name`. */
  readonly cache: string;
  /** Use the cache alone. */
  readonly offline: boolean;
  readonly token: HubToken | undefined;
  readonly patience: Patience;
}

export const defaultPatience: Patience = {
  attempts: 5,
  firstPauseMs: 1000,
  longestPauseMs: 120_000,
  stallMs: 30_000,
};

/**
 * Reads `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, `HF_HUB_OFFLINE`, `HF_TOKEN` and `HF_TOKEN_PATH`, with
 * the defaults of huggingface_hub (its constants.py). Throws a UserError for an endpoint or a token that cannot be one.
 */
export function hubSettings(env: NodeJS.ProcessEnv = process.env): HubSettings {
  const home = expanded(
    env['HF_HOME'] || path.join(env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'huggingface'),
  );
  return {
    endpoint: endpointOf(env['HF_ENDPOINT'] || 'https://huggingface.co'),
    cache: expanded(env['HF_HUB_CACHE'] || env['HUGGINGFACE_HUB_CACHE'] || path.join(home, 'hub')),
    offline: isTrue(env['HF_HUB_OFFLINE'] || env['TRANSFORMERS_OFFLINE']),
    token: tokenOf(env, home),
    patience: defaultPatience,
  };
}

function endpointOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search)
    throw new UserError(
      'HF_ENDPOINT is not the address of a hub: it must begin with http:// or https:// and hold no user name, password or query.',
    );
  return text.replace(/\/+$/, '');
}

function tokenOf(env: NodeJS.ProcessEnv, home: string): HubToken | undefined {
  const variable = ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN'].find((name) => env[name]);
  if (variable !== undefined) return checkedToken(env[variable]!, variable);
  const file = expanded(env['HF_TOKEN_PATH'] || path.join(home, 'token'));
  try {
    return checkedToken(readFileSync(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof UserError) throw error;
    // No file, or one for somebody else: then without a token.
    return undefined;
  }
}

/** Refuses what fetch would refuse too, but with the token in its message. */
function checkedToken(text: string, source: string): HubToken | undefined {
  const value = text.trim();
  if (value === '') return undefined;
  if (!/^[\x21-\x7e]+$/.test(value))
    throw new UserError(
      `the token in ${source} holds characters that no token has; copy it again from the hub.`,
    );
  return { value, source };
}

function isTrue(value: string | undefined): boolean {
  return ['1', 'ON', 'YES', 'TRUE'].includes(value?.toUpperCase() ?? '');
}

function expanded(folder: string): string {
  return path.resolve(folder.replace(/^~(?=\/|$)/, homedir()));
}
