import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ObjectStore, openStore } from '@captrain/data';
import { layoutOf, readSafetensors } from '@captrain/model';
import { checkpointFiles } from '@captrain/model/run';
import { UserError, sha256 } from '@captrain/runtime';
import { afterAll, expect, test } from 'vitest';
import { type CheckpointState, loadCheckpoint, partsOfFile } from './checkpoint-files.js';

const root = mkdtempSync(path.join(tmpdir(), 'captrain-checkpoint-'));
afterAll(() => rmSync(root, { recursive: true }));

// One tensor is larger than a piece that is read at once.
const layout = layoutOf(
  new Map([
    ['clip_project.model.0.weight', [7, 3]],
    ['gpt.wte.weight', [1500, 2000]],
    ['clip_project.model.0.bias', [7]],
    ['gpt.ln_f.weight', [5]],
  ]),
);
const ramp = (scale: number) =>
  Float32Array.from({ length: layout.length }, (_, i) => scale * ((i % 1009) - 500));
const state = {
  ...{ parameters: ramp(1), mean: ramp(0.5), square: ramp(1e-30), outer: ramp(3) },
  updates: 41,
} satisfies CheckpointState;

let count = 0;
/** Writes the state as a checkpoint, cut at so many bytes. */
async function write(maxFileBytes?: number, outer = false) {
  const run: ObjectStore = await openStore(path.join(root, String(count++)));
  const digests: Record<string, string> = {};
  for (const file of checkpointFiles(layout, { outer, maxFileBytes })) {
    const values = new Float32Array(file.length);
    let offset = 0;
    for (const { array, first, end } of file.tensors) {
      values.set(state[array].subarray(first, end), offset);
      offset += end - first;
    }
    const parts = partsOfFile(file, values, state.updates);
    await run.put(`folder/${file.name}`, parts);
    digests[file.name] = sha256(...parts);
  }
  return { run, digests, at: (name: string) => path.join(run.uri, 'folder', name) };
}

test('a state is read as it was written, in one file of each kind and in many', async () => {
  for (const maxFileBytes of [undefined, 50]) {
    const { run, digests } = await write(maxFileBytes);
    expect(Object.keys(digests)).toHaveLength(maxFileBytes === undefined ? 2 : 9);
    const loaded = await loadCheckpoint(run, 'folder', digests, layout);
    for (const name of ['parameters', 'mean', 'square'] as const)
      expect(Buffer.from(loaded[name].buffer).equals(Buffer.from(state[name].buffer))).toBe(true);
    expect(loaded.updates).toBe(state.updates);
  }
});

test('the momentum of outer updates is read as it was written', async () => {
  const { run, digests } = await write(undefined, true);
  expect(Object.keys(digests)).toContain('outer.safetensors');
  const { outer } = await loadCheckpoint(run, 'folder', digests, layout, { outer: true });
  expect(Buffer.from(outer!.buffer).equals(Buffer.from(state.outer.buffer))).toBe(true);
});

test('files are safetensors under the names of PyTorch, each with the count of updates', async () => {
  const { at } = await write(50);
  const file = readSafetensors(at('optimizer-00003-of-00006.safetensors'));
  expect(file.metadata).toEqual({ format: 'pt', step: '41' });
  expect([...file.tensors.keys()]).toEqual(['exp_avg.clip_project.model.0.bias', 'exp_avg.gpt.ln_f.weight']);
  const model = readSafetensors(at('model-00001-of-00003.safetensors'));
  expect(model.metadata).toEqual({ format: 'pt' });
  expect(model.tensors.get('clip_project.model.0.weight')!.read()).toEqual(state.parameters.subarray(0, 21));
});

test('a file that is cut, changed or missing is named', async () => {
  const damage: [string, (file: string) => void][] = [
    ['damaged', (file) => flip(file, 3 << 20)],
    ['damaged', (file) => flip(file, readFileSync(file).length - 1)],
    ['no valid safetensors file', (file) => truncateSync(file, 1 << 20)],
    ['no valid safetensors file', (file) => truncateSync(file, 0)],
    ['missing', (file) => rmSync(file)],
  ];
  for (const [what, harm] of damage) {
    const { run, digests, at } = await write(50);
    const file = at('optimizer-00005-of-00006.safetensors');
    harm(file);
    const thrown: unknown = await loadCheckpoint(run, 'folder', digests, layout).catch(
      (error: unknown) => error,
    );
    expect(thrown).toBeInstanceOf(UserError);
    expect((thrown as UserError).message).toContain(`${file} is ${what}`);
  }
});

test('files of another model are refused', async () => {
  const { run, digests } = await write();
  const other = layoutOf(new Map([['gpt.wte.weight', [1500, 2001]]]));
  await expect(loadCheckpoint(run, 'folder', digests, other)).rejects.toThrow(
    'gpt.wte.weight has shape [1500, 2000] instead of [1500, 2001]',
  );
  const half = { 'optimizer.safetensors': digests['optimizer.safetensors']! };
  await expect(loadCheckpoint(run, 'folder', half, layout)).rejects.toThrow('gpt.wte.weight is missing');
});

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at]! ^= 1;
  writeFileSync(file, bytes);
}
