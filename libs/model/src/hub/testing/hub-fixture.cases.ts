import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UserError, messageOf } from '@captrain/runtime';
import { afterEach, beforeEach, expect } from 'vitest';
import { type HubSettings, defaultPatience } from '../hub-settings.js';
import { modelFolder } from '../model-folder.js';
import { HubServerModel } from './hub-model.js';
import { HubServer, type SeenRequest } from './hub-server.js';

/** 400,000 bytes, no two runs of them alike. */
export const weights = Buffer.from(Uint32Array.from({ length: 100_000 }, (_, i) => i * 2_654_435_761).buffer);

/** What the model `org/gpt2` has. */
export const files = {
  'config.json': '{"model_type":"gpt2"}\n',
  'merges.txt': '#version: 0.2\n',
  'model.safetensors': weights,
  'pytorch_model.bin': Buffer.alloc(50_000, 1),
  'README.md': '# GPT-2\n',
  'onnx/model.onnx': Buffer.alloc(9_000, 2),
};

/** A hub of this machine, new for every test, with one model, and a client of it with an empty cache. */
export class HubFixture {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'captrain-hub-'));
  readonly model = new HubServerModel();
  readonly commit = this.model.commit(files);
  readonly settings: HubSettings;
  /** Lines for the user. */
  readonly said: string[] = [];

  constructor(readonly server: HubServer) {
    server.models.set('org/gpt2', this.model);
    this.settings = {
      endpoint: server.endpoint,
      cache: path.join(this.folder, 'hub'),
      offline: false,
      token: undefined,
      patience: { ...defaultPatience, firstPauseMs: 1, stallMs: 5000 },
    };
  }

  options(more: Partial<HubSettings> = {}, signal?: AbortSignal) {
    const say = (line: string) => void this.said.push(line);
    return { settings: { ...this.settings, ...more }, say, signal };
  }

  get(name = 'org/gpt2', more: Partial<HubSettings> = {}): Promise<string> {
    return modelFolder(name, this.options(more));
  }

  /** A path in the model's part of the cache. */
  cached(...names: string[]): string {
    return path.join(this.settings.cache, 'models--org--gpt2', ...names);
  }

  /** Requests for large contents. */
  get stored(): SeenRequest[] {
    return this.server.seen.filter(({ host }) => host === 'store');
  }

  /** Makes downloads of the weights break off after so many bytes, so many times. */
  breakOff(bytes: number, times: number): void {
    let left = times;
    this.server.interfere = ({ host, range }, response) => {
      if (host !== 'store' || left-- <= 0) return false;
      const from = Number(/\d+/.exec(range ?? '0')![0]);
      response.setHeader('content-length', weights.length - from);
      if (range) response.setHeader('content-range', `bytes ${from}-${weights.length - 1}/${weights.length}`);
      response.writeHead(range ? 206 : 200);
      response.write(weights.subarray(from, from + bytes), () => response.destroy());
      return true;
    };
  }
}

/** The fixture of the running test. */
export function hubFixture(): () => HubFixture {
  let fixture: HubFixture;
  beforeEach(async () => void (fixture = new HubFixture(await HubServer.start())));
  afterEach(async () => {
    await fixture.server.close();
    rmSync(fixture.folder, { recursive: true });
  });
  return () => fixture;
}

/** What something was refused with: one sentence for the user. */
export async function refusal(asked: Promise<unknown>): Promise<string> {
  const thrown = await asked.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(UserError);
  expect(messageOf(thrown)).toMatch(/^[^\n]+$/);
  return messageOf(thrown);
}
