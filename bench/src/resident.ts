import { readFileSync } from 'node:fs';

/** Bytes of a process that are in memory now (VmRSS), or were at their highest (VmHWM), as the kernel counts them. */
export function residentBytes(field: 'VmRSS' | 'VmHWM', process: number | 'self' = 'self'): number {
  const status = readFileSync(`/proc/${process}/status`, 'utf8');
  const [, kilobytes] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)!;
  return Number(kilobytes) * 1024;
}
