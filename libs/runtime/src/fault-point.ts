import { UserError } from './user-error.js';

interface Fault {
  readonly point: string;
  readonly step: number;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
}

/**
 * A place where a test of faults may end or stop this process: `CAPTRAIN_FAULT=POINT@STEP` kills it there by SIGKILL,
 * `CAPTRAIN_FAULT=POINT@STEP:stop` stops it by SIGSTOP. Without that variable nothing happens.
 */
export function faultPoint(point: string, step: number): void {
  if (fault === undefined || fault.point !== point || fault.step !== step) return;
  process.kill(process.pid, fault.signal);
}

const fault = parse(process.env['CAPTRAIN_FAULT']);

function parse(text: string | undefined): Fault | undefined {
  if (text === undefined || text === '') return undefined;
  const [, point, step, action = 'kill'] = /^([a-z-]+)@(\d+)(?::(kill|stop))?$/.exec(text) ?? [];
  if (point === undefined)
    throw new UserError(`CAPTRAIN_FAULT is "${text}"; write POINT@STEP or POINT@STEP:stop, or unset it.`);
  return { point, step: Number(step), signal: action === 'kill' ? 'SIGKILL' : 'SIGSTOP' };
}
