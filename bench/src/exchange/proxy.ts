import path from 'node:path';
import { startAnswering } from '../answering-program.js';

/** A delaying proxy that runs in a process of its own. */
export interface Proxy {
  readonly port: number;
  /** Milliseconds in one direction. */
  setDelay(milliseconds: number): Promise<void>;
  kill(): void;
}

/** Starts a proxy to a port of this machine, without delay at first. */
export async function startProxy(target: number, signal: AbortSignal): Promise<Proxy> {
  const args = [path.join(import.meta.dirname, 'proxy-child.js'), String(target)];
  const { about, ask, kill } = await startAnswering('the proxy', { command: process.execPath, args }, signal);
  return {
    port: about['port'] as number,
    setDelay: async (milliseconds) => void (await ask(`delay ${milliseconds}`)),
    kill,
  };
}
