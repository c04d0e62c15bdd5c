import { type RunStatus, type StatusHandlers, statusService } from '@captrain/protos';
import grpc from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from 'vitest';
import { runCaptrain } from '../testing/run-captrain.js';

const training: RunStatus = {
  run: 's3://runs/first',
  state: 'RUN_STATE_TRAINING',
  step: 1200,
  totalSteps: 5000,
  epoch: 1,
  totalEpochs: 10,
  loss: 2.5,
  meanLoss: 2.625,
  learningRate: 2e-5,
  captionsPerSecond: 123.4,
  etaSeconds: 200,
  expectedWorkers: 2,
  reduce: 'collective',
  lastCheckpoint: { step: 1000, folder: 'checkpoints/step-00001000' },
  validation: { step: 1000, split: 'val', captions: 1500, loss: 2.75 },
  best: { step: 500, split: 'val', captions: 1500, loss: 2.5625 },
  workers: [
    {
      worker: 0,
      name: 'node01',
      state: 'WORKER_STATE_COMPUTING',
      device: 'GPU:0',
      captionsPerSecond: 61.7,
      microbatches: 4,
    },
    {
      worker: 1,
      name: 'node02',
      state: 'WORKER_STATE_WAITING',
      device: 'GPU:0',
      captionsPerSecond: 61.7,
      microbatches: 4,
    },
  ],
};

const servers: grpc.Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.forceShutdown()));

/** Serves captrain.v1.Status as given; resolves to its address. */
async function serve(handlers?: StatusHandlers): Promise<string> {
  const server = new grpc.Server();
  servers.push(server);
  if (handlers) server.addService(statusService, handlers);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return `127.0.0.1:${port}`;
}

function handlersOf(history: RunStatus[], thenEnd = true): StatusHandlers {
  return {
    Get: (_, respond) => respond(null, history[0]!),
    Watch: (call) => {
      for (const status of history) call.write(status);
      if (thenEnd) call.end();
    },
  };
}

describe('captrain status', () => {
  test('shows run, step, loss, rate, workers, checkpoint and validation', async () => {
    const { code, out, err } = await runCaptrain([
      'status',
      '--coordinator',
      await serve(handlersOf([training])),
    ]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('s3://runs/first');
    expect(out).toContain('training · 2 of 2 workers');
    expect(out).toContain('1,200 of 5,000 · epoch 2 of 10');
    expect(out).toContain('2.5000');
    expect(out).toContain('123 captions/s · ETA 3 min 20 s');
    expect(out).toMatch(/sums +collectively/);
    expect(out).toContain('checkpoints/step-00001000');
    expect(out).toContain('2.7500 at step 1,000 · best 2.5625 at step 500 · 1,500 captions of val');
    expect(out).toMatch(/node02 +waiting +GPU:0 +61\.7 +4/);
  });

  test('prints JSON for scripts', async () => {
    const address = await serve(handlersOf([training]));
    const { out } = await runCaptrain(['status', '--coordinator', address, '--json']);
    expect(JSON.parse(out)).toMatchObject(training);
  });

  test('watches until the run ends', async () => {
    const history = [training, { ...training, step: 5000, state: 'RUN_STATE_FINISHED' as const }];
    const address = await serve(handlersOf(history));
    const { code, out } = await runCaptrain(['status', '--coordinator', address, '--watch', '--json']);
    expect(code).toBe(0);
    const steps = out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as RunStatus).step);
    expect(steps.at(-1)).toBe(5000);
  });

  test('stops watching on Ctrl-C', async () => {
    const address = await serve(handlersOf([training], false));
    const { code, err } = await runCaptrain(['status', '--coordinator', address, '--watch', '--json'], {
      onOutput: (_, kill) => kill('SIGINT'),
    });
    expect({ code, err }).toEqual({ code: 130, err: '' });
  });

  test('ends with exit code 2 and the reason when a watched run fails', async () => {
    const failed = { ...training, state: 'RUN_STATE_FAILED' as const, message: 'the disk is full' };
    const address = await serve(handlersOf([failed]));
    const { code, err } = await runCaptrain(['status', '--coordinator', address, '--watch']);
    expect(code).toBe(2);
    expect(err).toContain('captrain: The run failed: the disk is full\n');
  });

  test.each([
    ['nobody listens', async () => '127.0.0.1:1', 'No coordinator answers at 127.0.0.1:1'],
    ['another service answers', () => serve(), 'is a gRPC server, but no captrain coordinator'],
    ['there is no port', async () => 'localhost', 'must be HOST:PORT'],
  ])('says so in one sentence when %s', async (_, address, words) => {
    const { code, out, err } = await runCaptrain(['status', '--coordinator', await address()]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^captrain: .*\n$/);
    expect(err).toContain(words);
  });
});
