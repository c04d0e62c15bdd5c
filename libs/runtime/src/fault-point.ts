import { UserError } from './user-error.js';

interface Fault {
  readonly point: string;
  readonly step: number;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
}

/**
 * A place where a test of faults may end or stop this process: `CAPTRAIN_FAULT=POINT@STEP` kills it by SIGKILL when it
 * first comes there at that step or a later one, `CAPTRAIN_FAULT=POINT@STEP:stop` stops it by SIGSTOP, once. Without
 * that variable nothing happens.
 */
export function faultPoint(point: string, step: number): void {
  if (fault === undefined || fault.point !== point || step < fault.step) return;
  const { signal } = fault;
  fault = undefined;
  process.kill(process.pid, signal);
}

let fault = parse(process.env['CAPTRAIN_FAULT']);

function parse(text: string | undefined): Fault | undefined {
  if (text === undefined || text === '') return undefined;
  const [, point, step, action = 'kill'] = /^([a-z-]+)@(\d+)(?::(kill|stop))?$/.exec(text) ?? [];
  if (point === undefined)
    throw new UserError(`CAPTRAIN_FAULT is "${text}"; write POINT@STEP or POINT@STEP:stop, or unset it.`);
  return { point, step: Number(step), signal: action === 'kill' ? 'SIGKILL' : 'SIGSTOP' };
}
