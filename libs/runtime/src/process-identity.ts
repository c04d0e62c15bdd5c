import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Which process, of which machine: ids are given again to others, so that its start belongs to it. */
export interface ProcessIdentity {
  /** For people. */
  readonly host: string;
  /** Where the id means something: this boot of the machine, and in it this container. Empty where that is not known. */
  readonly machine: string;
  readonly process: number;
  /** Clock ticks from the machine's boot to the process's start. */
  readonly started: string;
}

export function thisProcess(): ProcessIdentity {
  return {
    host: hostname(),
    machine: machine(),
    process: process.pid,
    started: stateOf(process.pid)?.started ?? '',
  };
}

/** Whether a process is certain to have ended: it was one of this machine, and is there no longer. */
export function hasEnded(identity: ProcessIdentity): boolean {
  if (identity.machine === '' || identity.machine !== machine()) return false;
  const found = stateOf(identity.process);
  return found === undefined || found.started !== identity.started || found.isZombie;
}

function machine(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${hostname()} ${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

function stateOf(pid: number): { started: string; isZombie: boolean } | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The program's name, in parentheses, may hold spaces. Field 3 is the state, field 22 the start: see proc(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { started: fields[19] ?? '', isZombie: fields[0] === 'Z' || fields[0] === 'X' };
}
