import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { UserError, messageOf } from '@captrain/runtime';
import { afterAll, expect, test } from 'vitest';
import { hubSettings } from './hub-settings.js';

const home = mkdtempSync(path.join(tmpdir(), 'captrain-hub-home-'));
afterAll(() => rmSync(home, { recursive: true }));

test.each<[Record<string, string>, string]>([
  [{}, path.join(homedir(), '.cache/huggingface/hub')],
  [{ XDG_CACHE_HOME: '/cache' }, '/cache/huggingface/hub'],
  [{ XDG_CACHE_HOME: '/cache', HF_HOME: '/hf' }, '/hf/hub'],
  [{ HF_HOME: '~/hf' }, path.join(homedir(), 'hf/hub')],
  [{ HF_HOME: '/hf', HF_HUB_CACHE: '/hub' }, '/hub'],
  [{ HF_HOME: '/hf', HUGGINGFACE_HUB_CACHE: '/old' }, '/old'],
  [{ HF_HOME: '', HF_HUB_CACHE: '', XDG_CACHE_HOME: '/cache' }, '/cache/huggingface/hub'],
])('keeps models, with %j, in %s', (env, cache) => expect(hubSettings(env).cache).toBe(cache));

test('takes the token of a variable, else of a file, without the line end', () => {
  writeFileSync(path.join(home, 'token'), 'hf_home\n');
  writeFileSync(path.join(home, 'mine'), 'hf_mine\r\n');
  const env = { HF_HOME: home };
  const tokenOf = (more: Record<string, string>) => hubSettings({ ...env, ...more }).token;
  expect(tokenOf({})).toEqual({ value: 'hf_home', source: path.join(home, 'token') });
  expect(tokenOf({ HF_TOKEN_PATH: path.join(home, 'mine') })?.value).toBe('hf_mine');
  expect(tokenOf({ HF_TOKEN: ' hf_variable ' })).toEqual({ value: 'hf_variable', source: 'HF_TOKEN' });
  expect(tokenOf({ HF_TOKEN: '' })?.value).toBe('hf_home');
  expect(tokenOf({ HF_TOKEN_PATH: path.join(home, 'absent') })).toBeUndefined();
});

test('refuses a token that cannot be sent, without showing it', () => {
  const refused = () => hubSettings({ HF_TOKEN: 'hf_se\ncret' });
  expect(refused).toThrow(UserError);
  expect(refused).toThrow('the token in HF_TOKEN holds characters that no token has');
  try {
    refused();
  } catch (thrown) {
    expect(messageOf(thrown)).not.toContain('cret');
  }
});

test.each(['huggingface.co', 'ftp://hub', 'https://me:secret@hub', 'https://hub?x=1'])(
  'refuses the endpoint %s, without showing it',
  (HF_ENDPOINT) => {
    expect(() => hubSettings({ HF_ENDPOINT })).toThrow(/^HF_ENDPOINT is not the address of a hub/);
    expect(() => hubSettings({ HF_ENDPOINT })).not.toThrow(/secret/);
  },
);

test('reads endpoint and offline mode as huggingface_hub does', () => {
  expect(hubSettings({})).toMatchObject({ endpoint: 'https://huggingface.co', offline: false });
  expect(hubSettings({ HF_ENDPOINT: 'https://mirror/hf//' }).endpoint).toBe('https://mirror/hf');
  for (const value of ['1', 'on', 'Yes', 'TRUE'])
    expect(hubSettings({ HF_HUB_OFFLINE: value }).offline).toBe(true);
  expect(hubSettings({ HF_HUB_OFFLINE: '0' }).offline).toBe(false);
});
