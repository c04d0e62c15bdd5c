import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { HubServer, HubServerModel, writeTinyClip, writeTinyGpt2 } from '@captrain/model/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { images, writeDataset } from './support/flickr8k.js';
import { type Ended, Program, captrain } from './support/program.js';
import { temporaryFolder } from './support/temporary-folder.js';

const folder = temporaryFolder();
const at = (...names: string[]) => path.join(folder, ...names);
const gpt2 = new HubServerModel(1000);
const clip = new HubServerModel(1000);
let server: HubServer;
let pinned: { gpt2: string; clip: string };

/** What a user of this hub has set; every machine has a cache of its own. */
const onMachine = (name: string, more: Record<string, string> = {}) => ({
  env: { HF_ENDPOINT: server.endpoint, HF_HOME: at(name), HF_HUB_CACHE: '', HF_TOKEN: '', ...more },
});

beforeAll(async () => {
  server = await HubServer.start();
  writeTinyGpt2(at('gpt2'));
  writeTinyClip(at('clip'));
  pinned = {
    gpt2: `org/tiny-gpt2@${gpt2.commitFolder(at('gpt2'))}`,
    clip: `org/tiny-clip@${clip.commitFolder(at('clip'))}`,
  };
  server.models.set('org/tiny-gpt2', gpt2).set('org/tiny-clip', clip);
  writeDataset(at('dataset'), at('references.json'));
});
afterAll(() => server.close());

const embedding = ['--dataset', at('dataset'), '--format', 'flickr8k', '--images', images];
const training = [
  ...['--data', at('data'), '--device', 'cpu', '--prefix-length', '2', '--max-caption-tokens', '8'],
  ...['--batch-size', '8', '--microbatches', '2', '--steps', '2'],
];
const train = (run: string, model: string, options: ReturnType<typeof onMachine>) =>
  captrain(['train', ...training, '--run', at(run), '--language-model', model], options);

/** One sentence on standard error, exit code 2, no stack. */
function expectSentence({ code, out, err }: Ended, ...words: string[]): void {
  expect({ code, out, err }).toMatchObject({ code: 2, out: '' });
  expect(err).toMatch(/^captrain: \S[^\n]*\n$/);
  for (const word of words) expect(err).toContain(word);
}

describe('models named as on the hub', () => {
  test('embed, train with several workers and caption, and are fetched once', async () => {
    const machine = onMachine('first');
    const embed = [
      'embed',
      ...embedding,
      '--encoder',
      'org/tiny-clip',
      '--out',
      at('data'),
      '--device',
      'cpu',
    ];
    expect(await captrain(embed, machine)).toMatchObject({ code: 0 });
    expect(readJson('data/embedding.json')).toMatchObject({
      encoder: 'org/tiny-clip',
      encoderFolder: pinned.clip,
    });
    const trained = await captrain(
      ['train', ...training, '--run', at('run'), '--language-model', 'org/tiny-gpt2', '--workers', '2'],
      machine,
    );
    expect(trained).toMatchObject({ code: 0 });
    expect(trained.err).toContain('downloading org/tiny-gpt2');
    expect(readJson('run/config.json')).toMatchObject({ languageModel: pinned.gpt2 });
    expect(server.downloads('model.safetensors').filter(({ host }) => host === 'store')).toHaveLength(2);
  });

  test('are the same for a run on another machine, when their branches have moved', async () => {
    const picture = path.join(images, readdirSync(images)[0]!);
    const caption = (machine: string) =>
      captrain(['caption', '--run', at('run'), picture], onMachine(machine));
    const here = await caption('first');
    writeTinyGpt2(at('other-gpt2'), {}, 2);
    writeTinyClip(at('other-clip'), 24, 2);
    gpt2.commitFolder(at('other-gpt2'));
    clip.commitFolder(at('other-clip'));
    const there = await caption('second');
    expect(there).toMatchObject({ code: 0, out: here.out });
    expect(readdirSync(at('second/hub/models--org--tiny-gpt2/snapshots'))).toEqual([
      pinned.gpt2.split('@')[1],
    ]);
    // Nothing of it needs the network again.
    const offline = onMachine('second', { HF_HUB_OFFLINE: '1' });
    expect(await captrain(['caption', '--run', at('run'), picture], offline)).toMatchObject({
      code: 0,
      out: here.out,
      err: '',
    });
  });

  test('may be named again when a run is resumed, if it is the same', async () => {
    const resume = (model: string) =>
      captrain(['train', '--run', at('run'), '--resume', '--language-model', model], onMachine('first'));
    const { code, out } = await resume('org/tiny-gpt2');
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('finished already') });
    expectSentence(await resume('org/tiny-gpt2@main'), pinned.gpt2, 'not org/tiny-gpt2@main');
  });
});

test('a download that Ctrl-C stops says so, leaves the run free, and goes on the next time', async () => {
  const options = onMachine('stopped');
  const args = [...training, '--run', at('stopped-run'), '--language-model', 'org/tiny-gpt2'];
  const content = gpt2.files(gpt2.commitOf('main')!).get('model.safetensors')!;
  let begun = () => {};
  const served = new Promise<void>((resolve) => (begun = resolve));
  server.interfere = ({ host, path: asked }, response) => {
    if (host !== 'store' || !asked.endsWith('model.safetensors')) return false;
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, 1000), () => setTimeout(begun, 500));
    return true;
  };
  const program = new Program('captrain', ['train', ...args], options);
  await served;
  program.kill('SIGINT');
  const { code, err } = await program.ended;
  server.interfere = undefined;
  expect(code).toBe(130);
  expect(err).toMatch(/captrain: Stopped at .* of org\/tiny-gpt2; the same command goes on from there\.\n$/);
  expect(existsSync(at('stopped-run'))).toBe(false);
  expect(await captrain(['train', ...args], options)).toMatchObject({ code: 0 });
  expect(server.seen.at(-1)).toMatchObject({ host: 'store', range: 'bytes=1000-' });
});

describe('a careless user is told in one sentence', () => {
  const refused = async (model: string, more: Record<string, string> = {}) => {
    const ended = await train('refused', model, onMachine('careless', more));
    expect(existsSync(at('refused')) ? readdirSync(at('refused')) : []).toEqual([]);
    return ended;
  };

  test('of a name that is neither folder nor model', async () => {
    expectSentence(await refused('org/tiny-gtp2'), 'no folder org/tiny-gtp2', 'no model org/tiny-gtp2');
    expectSentence(await refused('./gpt2'), 'there is no model folder ./gpt2');
    expectSentence(await refused('org/tiny/gpt2'), 'more than one slash');
  });

  test('of a revision that is not there', async () => {
    expectSentence(await refused('org/tiny-gpt2@v2'), 'org/tiny-gpt2', 'no revision "v2"');
  });

  test('of what the cache lacks when offline, or without network', async () => {
    const offline = await refused('org/tiny-gpt2', { HF_HUB_OFFLINE: '1' });
    expectSentence(offline, 'org/tiny-gpt2', '"main"', at('careless/hub'), 'HF_HUB_OFFLINE');
    expectSentence(await refused('org/tiny-gpt2', { HF_ENDPOINT: 'huggingface.co' }), 'HF_ENDPOINT');
  });

  test('of data that are not there, before any model is fetched', async () => {
    const ended = await captrain(
      ['train', '--data', at('no-data'), '--run', at('refused'), '--language-model', 'org/tiny-gpt2'],
      onMachine('careless'),
    );
    expectSentence(ended, at('no-data'));
    expect(existsSync(at('careless'))).toBe(false);
  });

  test('of an encoder that is a language model', async () => {
    const args = ['embed', ...embedding, '--encoder', 'org/tiny-gpt2', '--out', at('no'), '--device', 'cpu'];
    const { code, err } = await captrain(args, onMachine('first'));
    expect(code).toBe(2);
    expect(err).toMatch(/captrain: \S[^\n]*\n$/);
    rmSync(at('no'), { recursive: true, force: true });
  });
});

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(at(name), 'utf8'));
}
