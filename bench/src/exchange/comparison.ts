import { type AnsweringProgram, startAnswering } from '../answering-program.js';
import { PEER_ENVIRONMENT, peerScript } from '../python.js';
import { type Exchange, type Reduce, exchanges, reduces } from './constants.js';
import { Crew } from './crew.js';
import { startProxy } from './proxy.js';

/** Seconds of every counted exchange of two workers, round by round, in which each side had its turn. */
export interface Comparison {
  gloo: number[];
  own: Record<Reduce, Record<Exchange, number[]>>;
  /** Of workers that share memory, as those of one host do by default; nothing travels there, in no format. */
  sharedMemory: number[];
  /** TensorFlow's collectives on CPUs, in float32. */
  collective: number[];
  /** float32 through the coordinator, and through a proxy before it that delays bytes or does not. */
  proxied: { delayed: number[]; prompt: number[] };
  /** Bytes of the coordinator's memory at their highest. */
  coordinatorPeak: number;
}

export interface ComparisonOptions {
  interpreter: string;
  values: number;
  rounds: number;
  /** Milliseconds of the proxy in one direction. */
  delay: number;
  progress: (text: string) => void;
  signal: AbortSignal;
}

/** Lets gloo and captrain's ways exchange in turn; a first round warms up. */
export async function compare(options: ComparisonOptions): Promise<Comparison> {
  const { interpreter, values, rounds, delay, progress, signal } = options;
  const running: { kill(): void }[] = [];
  const started = async <T extends { kill(): void }>(starting: Promise<T>): Promise<T> => {
    const one = await starting;
    running.push(one);
    return one;
  };
  try {
    progress('starting PyTorch and two workers');
    const gloo = await started(startGloo(interpreter, values, signal));
    const crew = await started(Crew.start(2, values, signal));
    const proxy = await started(startProxy(crew.coordinatorPort, signal));
    const result: Comparison = {
      gloo: [],
      own: { coordinator: { exact: [], bf16: [] }, workers: { exact: [], bf16: [] } },
      sharedMemory: [],
      collective: [],
      proxied: { delayed: [], prompt: [] },
      coordinatorPeak: 0,
    };
    const throughProxy = async (milliseconds: number) => {
      await proxy.setDelay(milliseconds);
      return crew.exchange({ reduce: 'coordinator', exchange: 'exact', through: proxy.port });
    };
    for (let round = 0; round <= rounds; round++) {
      progress(round === 0 ? 'a round to warm up' : `round ${round} of ${rounds}`);
      const note = (times: number[], { seconds }: { seconds: number }) => {
        signal.throwIfAborted();
        if (round > 0) times.push(seconds);
      };
      note(result.gloo, (await gloo.ask('step')) as { seconds: number });
      for (const reduce of reduces)
        for (const exchange of exchanges)
          note(result.own[reduce][exchange], await crew.exchange({ reduce, exchange }));
      note(result.sharedMemory, await crew.exchange({ reduce: 'shared memory', exchange: 'exact' }));
      note(result.collective, await crew.exchange({ reduce: 'collective', exchange: 'exact' }));
      note(result.proxied.prompt, await throughProxy(0));
      note(result.proxied.delayed, await throughProxy(delay));
    }
    result.coordinatorPeak = crew.coordinatorPeak;
    return result;
  } finally {
    for (const each of running) each.kill();
  }
}

function startGloo(interpreter: string, values: number, signal: AbortSignal): Promise<AnsweringProgram> {
  const args = [peerScript('exchange/gloo.py'), String(values)];
  return startAnswering('gloo', { command: interpreter, args, env: PEER_ENVIRONMENT }, signal);
}
