import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine } from '@captrain/engine';
import { UserError } from '@captrain/runtime';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ParameterShapes } from '../parameters.js';
import { writeModelFolder } from '../write-model-folder.js';
import { type ClipConfig, clipConfig, clipShapes, visionShapes } from './clip-config.js';
import { ClipEncoder } from './clip-encoder.js';
import { VOCABULARY, encoderCases } from './clip-encoder.cases.js';
import { embeddingShapes } from './clip-model.js';
import { initClip, loadClip } from './load-clip.js';
import { writeOpenClip } from './open-clip/random-open-clip.js';

const tower = { hidden_size: 8, intermediate_size: 12, num_hidden_layers: 2, num_attention_heads: 2 };
const tiny = clipConfig.parse({
  projection_dim: 5,
  vision_config: { ...tower, image_size: 6, patch_size: 3 },
  text_config: { ...tower, vocab_size: VOCABULARY, max_position_embeddings: 7, eos_token_id: 22 },
});
const processor = { size: 6, crop_size: 6 };

function writeHuggingFace(
  folder: string,
  seed: number,
  config: object = tiny,
  shapes: ParameterShapes = clipShapes(tiny),
) {
  const values = initClip(tiny, seed);
  for (const [name, shape] of shapes)
    if (!values.has(name)) values.set(name, new Float32Array(shape.reduce((a, b) => a * b, 1)));
  writeModelFolder(folder, { config, shapes, values });
  writeFileSync(path.join(folder, 'preprocessor_config.json'), JSON.stringify(processor));
  return folder;
}

const text = { vocab_size: VOCABULARY, width: 8, heads: 2, layers: 2, context_length: 7 };
const vit = {
  embed_dim: 5,
  vision_cfg: { layers: 2, width: 8, head_width: 4, patch_size: 3, image_size: 6 },
  text_cfg: text,
};
const resnet = {
  embed_dim: 5,
  quick_gelu: true,
  vision_cfg: {
    layers: [1, 1, 1, 1] as [number, number, number, number],
    width: 4,
    image_size: 32,
    patch_size: null,
  },
  text_cfg: text,
};
const openAi = { ...resnet, text_cfg: { ...text, width: 64, heads: 1 } };

encoderCases({ name: 'Hugging Face', side: 6, dim: 5, write: writeHuggingFace });
encoderCases({ name: 'OpenCLIP', side: 6, dim: 5, write: writing(vit) });
encoderCases({ name: "OpenCLIP's ResNet", side: 32, dim: 5, write: writing(resnet) });
encoderCases({
  name: "a file of OpenAI's weights",
  side: 32,
  dim: 5,
  write: (folder, seed) => {
    writeOpenClip(folder, openAi, { weights: 'RN.safetensors', seed });
    return path.join(folder, 'RN.safetensors');
  },
});

function writing(config: typeof vit | typeof resnet) {
  return (folder: string, seed: number) => {
    writeOpenClip(folder, config, { seed });
    return folder;
  };
}

describe('where a model lies', () => {
  let folder: string;
  beforeAll(() => startEngine({ device: 'cpu' }));
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'captrain-clip-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const loaded = async (place: string) => {
    const encoder = await ClipEncoder.load(place);
    encoder.close();
    return encoder;
  };

  test('a folder of both layouts is one of Hugging Face, if its weights are there', async () => {
    writeOpenClip(folder, vit);
    const openClip = await loaded(folder);
    writeHuggingFace(folder, 1);
    const both = await loaded(folder);
    expect(both.digest).not.toBe(openClip.digest);
    expect(both.preprocessor.centring).toBe('floor');
    rmSync(path.join(folder, 'model.safetensors'));
    expect((await loaded(folder)).digest).toBe(openClip.digest);
  });

  test("a folder with nothing but a weight file is one of OpenAI's", async () => {
    writeOpenClip(folder, openAi, { weights: 'RN.safetensors' });
    const [inFolder, file] = [await loaded(folder), await loaded(path.join(folder, 'RN.safetensors'))];
    expect(file.id).toBe('RN.safetensors');
    expect(inFolder.digest).toBe(file.digest);
  });

  test('a picture tower alone embeds pictures, and says that it embeds no texts', async () => {
    const alone = { ...tiny.vision_config, model_type: 'clip_vision_model', projection_dim: 5 };
    writeHuggingFace(path.join(folder, 'whole'), 1);
    writeHuggingFace(path.join(folder, 'alone'), 1, alone, visionShapes(tiny));
    const encoders = [];
    for (const name of ['whole', 'alone']) encoders.push(await ClipEncoder.load(path.join(folder, name)));
    const pixels = new Float32Array(6 * 6 * 3).fill(0.3);
    const [whole, part] = encoders.map((encoder) => encoder.embed([pixels]));
    expect(part).toEqual(whole);
    await expect(encoders[1]!.embedTexts(['a'])).rejects.toThrow(/alone holds the picture tower alone/);
    for (const encoder of encoders) encoder.close();
  });

  test('position ids of old checkpoints are ignored', async () => {
    const ids = 'text_model.embeddings.position_ids';
    writeHuggingFace(folder, 1, tiny, new Map([...clipShapes(tiny), [ids, [1]]]));
    const { parameters } = await loadClip(folder);
    expect([...parameters.keys()]).toEqual([...embeddingShapes(tiny as ClipConfig).keys()]);
    for (const tensor of parameters.values()) tensor.dispose();
  });

  test('the digest follows the preprocessing', async () => {
    writeHuggingFace(folder, 1);
    const before = await loaded(folder);
    writeFileSync(
      path.join(folder, 'preprocessor_config.json'),
      JSON.stringify({ ...processor, image_std: 1 }),
    );
    expect((await loaded(folder)).digest).not.toBe(before.digest);
  });

  describe('what is no CLIP is refused with what is missing', () => {
    const refused = async (place: string, message: RegExp) => {
      const error = await ClipEncoder.load(place).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(UserError);
      expect((error as Error).message).toMatch(message);
    };
    test('nothing', () => refused(path.join(folder, 'absent'), /no model folder .*absent/));
    test('an empty folder', () =>
      refused(folder, /holds no CLIP: neither config.json .* nor open_clip_config.json/));
    test('a config without weights', async () => {
      writeOpenClip(folder, vit);
      rmSync(path.join(folder, 'open_clip_model.safetensors'));
      await refused(
        folder,
        /has no weights: neither open_clip_model.safetensors nor open_clip_pytorch_model.bin/,
      );
    });
    test('weights of another model', async () => {
      writeHuggingFace(folder, 1);
      const file = path.join(folder, 'other.safetensors');
      renameSync(path.join(folder, 'model.safetensors'), file);
      await refused(file, /other.safetensors holds no CLIP in OpenAI's names: text_projection is missing/);
    });
    test('tensors that do not fit the config', async () => {
      writeOpenClip(folder, vit);
      const config = { model_cfg: { ...vit, embed_dim: 6 } };
      writeFileSync(path.join(folder, 'open_clip_config.json'), JSON.stringify(config));
      await refused(folder, /visual.proj has shape \[8, 5\] instead of \[8, 6\]/);
    });
    test('pictures of another size than the tower takes', async () => {
      writeHuggingFace(folder, 1);
      writeFileSync(path.join(folder, 'preprocessor_config.json'), '{}');
      await refused(folder, /preprocessor_config.json makes pictures of 224×224 .* takes 6×6/);
    });
    test('another architecture', async () => {
      writeFileSync(path.join(folder, 'config.json'), '{"model_type":"gpt2"}');
      await refused(folder, /holds a gpt2, and captrain's encoders are of the clip architecture/);
    });
  });
});
