import type { RunStatus } from '@captrain/protos';
import { beforeAll, describe, expect, test } from 'vitest';
import { freePort, statusAt, untilStep } from '../src/testing/status.js';
import { runFolder, tinyRun } from '../src/testing/tiny-run.js';
import { until } from '../src/testing/until.js';
import { type TinyInputs, writeTinyInputs } from '../src/tiny-inputs.js';
import { grpcurl, grpcurlProgram } from './support/grpcurl.js';
import { Program, captrain } from './support/program.js';
import { reflect } from './support/reflection.js';
import { temporaryFolder } from './support/temporary-folder.js';

const folder = temporaryFolder();
const run = runFolder(folder, 'asked');
let inputs: TinyInputs;
let tool: string | undefined;
let program: Program;
let port: number;
let address: string;

beforeAll(async () => {
  inputs = await writeTinyInputs(folder);
  tool = await grpcurlProgram();
  port = await freePort();
  address = `127.0.0.1:${port}`;
  const args = ['train', ...tinyRun(inputs, run, 10_000), '--workers', '2', '--port', String(port)];
  program = new Program('captrain', args, { forAllTests: true, timeoutSeconds: 600 });
  await untilStep(port, 2);
}, 600_000);

const services = ['captrain.v1.Status', 'captrain.v1.Training', 'grpc.health.v1.Health'];

describe('a coordinator, asked during its run,', () => {
  test('lists its services by reflection', async () => {
    const answer = await reflect(address, { listServices: '' });
    expect(answer.listServicesResponse!.service.map(({ name }) => name).toSorted()).toEqual(services);
    if (tool) expect((await grpcurl(tool, address, 'list')).trim().split('\n')).toEqual(services);
  });

  test('describes its services and messages', async () => {
    const answer = await reflect(address, { fileContainingSymbol: 'captrain.v1.Status' });
    expect(answer.fileDescriptorResponse!.fileDescriptorProto.length).toBeGreaterThan(0);
    if (!tool) return;
    const service = await grpcurl(tool, address, 'describe', 'captrain.v1.Status');
    expect(service).toContain(
      'rpc Get ( .captrain.v1.GetStatusRequest ) returns ( .captrain.v1.RunStatus );',
    );
    expect(await grpcurl(tool, address, 'describe', 'captrain.v1.RunStatus')).toContain('double loss = 7;');
  });

  test('says that it is healthy', async () => {
    for (const service of ['', 'captrain.v1.Training', 'captrain.v1.Status']) {
      const health = await new Program('health', [address, '--service', service]).ended;
      expect(health).toMatchObject({ code: 0, out: 'SERVING\n', err: '' });
    }
    if (tool) {
      expect(JSON.parse(await grpcurl(tool, address, 'grpc.health.v1.Health/Check'))).toEqual({
        status: 'SERVING',
      });
    }
  });

  test('tells run, step, loss, throughput and workers', async () => {
    const told: RunStatus = tool
      ? (JSON.parse(await grpcurl(tool, address, 'captrain.v1.Status/Get')) as RunStatus)
      : (await statusAt(port))!;
    expect(told).toMatchObject({ run, state: 'RUN_STATE_TRAINING', expectedWorkers: 2 });
    expect(Number(told.step)).toBeGreaterThanOrEqual(2);
    expect(told.loss).toBeGreaterThan(0);
    expect(told.captionsPerSecond).toBeGreaterThan(0);
    expect(told.workers!.map(({ name }) => name)).toEqual(['worker-0', 'worker-1']);
  });

  test('tells the same to captrain status', async () => {
    const { code, out, err } = await captrain(['status', '--coordinator', address]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(run);
    expect(out).toMatch(/worker-1 +\w+ +CPU/);
  });

  test('names the last checkpoint once there is one, to whoever watches the end', async () => {
    const watching = new Program('captrain', ['status', '--coordinator', address, '--watch', '--json']);
    await until('the watcher sees the run', () => watching.out || undefined);
    program.killGroup('SIGINT');
    const { out } = await watching.ended;
    const last = JSON.parse(out.trim().split('\n').at(-1)!) as RunStatus;
    expect(last.state).toBe('RUN_STATE_FINISHED');
    expect(last.workers!.map(({ state }) => state)).not.toContain('WORKER_STATE_LOST');
    expect(last.lastCheckpoint!.folder).toMatch(/^checkpoints\/step-\d{8}$/);
    expect((await program.ended).code).toBe(130);
  });
});

test('a health check of a port where nothing listens fails with one sentence', async () => {
  const { code, err } = await new Program('health', [`127.0.0.1:${await freePort()}`]).ended;
  expect(code).toBe(2);
  expect(err).toMatch(/^captrain: 127\.0\.0\.1:\d+ gives no answer about its health: .*\n$/);
});
