import { expect, test } from 'vitest';
import { whyNoGpu } from './choose-device.js';

const working = { driver: true, error: 0, devices: 1 };

test.each([
  ['the driver is missing', { driver: false, error: 0, devices: 0 }, true, undefined, 'not installed'],
  ['the driver sees no device', { driver: true, error: 100, devices: 0 }, true, undefined, 'lists no device'],
  [
    'none is visible to this process',
    { driver: true, error: 100, devices: 0 },
    true,
    '',
    'CUDA_VISIBLE_DEVICES is ""',
  ],
  ['the driver does not start', { driver: true, error: 803, devices: 0 }, true, undefined, 'CUDA error 803'],
  ['the CUDA build is missing', working, false, undefined, 'CAPTRAIN_DEVICE=gpu npm run setup'],
])('the reason for having no GPU is named: %s', (_, status, hasBuild, visible, reason) => {
  expect(whyNoGpu(status, hasBuild, visible)).toContain(reason);
});

test('there is none to name where a device, its driver and the build are there', () => {
  expect(whyNoGpu(working, true)).toBeUndefined();
});
