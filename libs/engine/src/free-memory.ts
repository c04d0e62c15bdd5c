import { readFileSync } from 'node:fs';
import path from 'node:path';
import { listDevices } from './devices.js';
import { tf } from './tf.js';

/**
 * Bytes that this process may still take on the device that it computes on, which `sharers` processes like it share: of a
 * GPU its part of what TensorFlow may use, less what it holds; of main memory its part of what the kernel can give and
 * the control group allows (`onHost`).
 */
export function freeMemory(sharers: number): { bytes: number; onHost: boolean } {
  const { type, bytes } = listDevices().at(-1)!;
  if (type === 'GPU') return { bytes: bytes / sharers - tf.memory().numBytes, onHost: false };
  return { bytes: Math.min(availableMemory(), leftOfControlGroups()) / sharers, onHost: true };
}

function availableMemory(): number {
  return Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
}

/** What the control groups (version 2) that this process is in leave it; files in the cache count as free. */
export function leftOfControlGroups(root = '/sys/fs/cgroup', own = ownGroup()): number {
  let left = Infinity;
  for (let group = own; ; group = path.dirname(group)) {
    const limit = Number(read(path.join(root, group, 'memory.max')) ?? NaN);
    const used = Number(read(path.join(root, group, 'memory.current')) ?? NaN);
    const files = /^inactive_file (\d+)/m.exec(read(path.join(root, group, 'memory.stat')) ?? '')?.[1];
    if (limit >= 0 && used >= 0) left = Math.min(left, limit - used + Number(files ?? 0));
    if (group === '/') return left;
  }
}

function ownGroup(): string {
  return /^0::(\/.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1] ?? '/';
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
