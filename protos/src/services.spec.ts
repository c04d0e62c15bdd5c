import { describe, expect, it } from 'vitest';
import { peerService, statusService, trainingService } from './services.js';

describe('messages as the loader reads them', () => {
  it('hold numbers and enum names, as their types say', () => {
    const { responseSerialize, responseDeserialize } = statusService.Get;
    const status = {
      state: 'RUN_STATE_TRAINING' as const,
      step: 2 ** 40,
      workers: [{ state: 'WORKER_STATE_READY' as const }],
    };
    const read = responseDeserialize(responseSerialize(status));
    expect(read).toMatchObject({ state: 'RUN_STATE_TRAINING', step: 2 ** 40, lastCheckpoint: null });
    expect(read.workers[0]?.state).toBe('WORKER_STATE_READY');
  });
});

it('the methods of a service are called by its name', () => {
  for (const [name, service] of Object.entries({ Training: trainingService, Peer: peerService }))
    for (const [method, { path }] of Object.entries(service))
      expect(path).toBe(`/captrain.v1.${name}/${method}`);
});
