import { describe, expect, it } from 'vitest';
import type { ScalingConstants } from './constants.js';
import { type Hardware, type Setting, exchangeTime } from './scaling-model.js';

/** A processor that costs nothing, so that the network alone is left. */
const free: ScalingConstants = {
  processor: '',
  cores: 1,
  parameters: 1,
  exact: { client: { loop: 0, all: 0 }, reducer: { loop: 0, all: 0 } },
  bf16: { client: { loop: 0, all: 0 }, reducer: { loop: 0, all: 0 } },
  latencySeconds: 0,
  callSeconds: 0,
  sumBytesPerSecond: Infinity,
  measured: [],
};

const cost = { client: { loop: 1e-9, all: 2e-9 }, reducer: { loop: 1e-9, all: 3e-9 } };
const costly: ScalingConstants = { ...free, exact: cost, bf16: cost };

const hardware: Hardware = {
  ...{ network: 1e9, roundTrip: 0, cores: 4 },
  ...{ deviceCopy: Infinity, deviceLink: Infinity, collectiveEfficiency: 1 },
};
const setting: Setting = {
  ...{ reduce: 'workers', exchange: 'exact', parameters: 1e9, workers: 16, workersPerHost: 8 },
  ...{ localAggregation: true, hardware },
};

describe('the model of an exchange', () => {
  it('has 2 (M − 1)/M of the gradient leave a host where the workers reduce', () => {
    expect(exchangeTime(setting, free)).toEqual({
      seconds: expect.closeTo(4, 1) as number,
      bound: 'network',
    });
    const alone = { ...setting, localAggregation: false };
    // Eight workers send to eight others, and serve them.
    expect(exchangeTime(alone, free).seconds).toBeCloseTo(2 * 8 * 4 * (8 / 16), 1);
  });

  it('has the coordinator’s network carry every contribution', () => {
    const star: Setting = { ...setting, reduce: 'coordinator' };
    expect(exchangeTime(star, free).seconds).toBeCloseTo(2 * 4, 1);
    expect(exchangeTime({ ...star, localAggregation: false }, free).seconds).toBeCloseTo(16 * 4, 1);
    expect(exchangeTime({ ...star, exchange: 'bf16' }, free).seconds).toBeCloseTo(2 * 2, 1);
  });

  it('moves nothing over the network between the workers of one host', () => {
    const here: Setting = { ...setting, workers: 8, localAggregation: false };
    expect(exchangeTime(here, free).seconds).toBe(0.008388608);
    expect(exchangeTime({ ...here, localAggregation: true }, costly).seconds).toBeCloseTo(0, 1);
  });

  it('copies a collective sum four times between devices and host, whatever the network does', () => {
    const ring: Setting = { ...setting, reduce: 'collective' };
    expect(exchangeTime(ring, free)).toEqual({ seconds: 4, bound: 'network' });
    const copied = { ...ring, hardware: { ...hardware, deviceCopy: 1e9 } };
    expect(exchangeTime(copied, free)).toEqual({ seconds: 4 + 16, bound: 'host memory' });
  });

  it('is bound by one process’s event loop where the network is fast, and by the processors where they are few', () => {
    const fast = { ...hardware, network: Infinity, cores: 8 };
    const star: Setting = { ...setting, reduce: 'coordinator', hardware: fast };
    expect(exchangeTime(star, costly)).toMatchObject({ seconds: 2 * 2 * 4, bound: 'event loop' });
    // Of the eight workers of a host each exchanges a share.
    expect(exchangeTime({ ...setting, hardware: { ...fast, cores: 64 } }, costly)).toMatchObject({
      seconds: (2 * 2 * (1 / 2) * 4) / 8,
      bound: 'event loop',
    });
    const small = { ...fast, cores: 1 };
    expect(exchangeTime({ ...star, hardware: small }, costly)).toMatchObject({
      seconds: 2 * 4 * 2 * (2 + 3),
      bound: 'processors',
    });
  });
});
