import { expect, test } from 'vitest';
import { opsOfThread } from './op-timing.js';

/** Events of one thread, one after the other, ten microseconds each. */
const threadOf = (names: string[]) => ({
  ...{ id: 1, name: 'thread', names },
  startUs: names.map((_, index) => 10 * index),
  durationUs: names.map(() => 10),
});

test('ops are told from what else a thread notes, and the numbers of XLA are left out of their types', () => {
  const ops = opsOfThread(
    threadOf([
      'EagerLocalExecute: MatMul',
      'KernelAndDeviceFunc::Run',
      'ExecutorState::Process#id=1,iter_num=0#',
      'Relu:Relu',
      'forward/h0/product:_MklMatMul#shape=(float[2,3];float[3,4])#',
      'MatMul860.2#hlo_op=MatMul860.2,hlo_module=f__XlaMustCompile_true_.3,program_id=0#',
      'BatchMatMulV2#hlo_op=BatchMatMulV2,hlo_module=f__XlaMustCompile_true_.3,program_id=0#',
      'end: MatMul860.2#_ct=0#',
    ]),
    'thread',
    1000,
  );
  expect(ops.map(({ name, op, inputs }) => [name, op, inputs])).toEqual([
    ['Relu', 'Relu', undefined],
    ['forward/h0/product', '_MklMatMul', '(float[2,3];float[3,4])'],
    ['MatMul860.2', 'MatMul', undefined],
    ['BatchMatMulV2', 'BatchMatMulV2', undefined],
  ]);
  expect(ops[0]).toMatchObject({ startUs: 1030, durationUs: 10, thread: 'thread' });
});
