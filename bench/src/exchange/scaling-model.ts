/**
 * How long an exchange takes, from what a byte costs. Its parts overlap: while a range goes up, the one before it is
 * summed and the one before that comes down. So the time is that of the busiest resource, plus what the first and last
 * bytes wait for:
 *
 *   exchange = local + max(network, event loop, processors) + start
 *
 * Docs/scaling.md writes the terms out. Letters: S bytes of the gradient on the wire; M contributions, one of each
 * worker or, with local aggregation, of each host; a worker serves and calls in one thread, its event loop.
 */
import { exchangedPerParameter } from '@captrain/model/run';
import { type Exchange, type ScalingConstants, VALUE_BYTES } from './constants.js';

export type AnyReduce = 'coordinator' | 'workers' | 'collective';

export interface Hardware {
  /** Bytes a second of a host's network in either direction; Infinity for processes of one machine. */
  network: number;
  /** Seconds there and back. */
  roundTrip: number;
  /** Of a host. */
  cores: number;
  /** Bytes a second between a GPU and its host's memory in either direction; Infinity without GPUs. */
  deviceCopy: number;
  /** Bytes a second between GPUs of a host. */
  deviceLink: number;
  /** What NCCL's ring reaches of the network. */
  collectiveEfficiency: number;
}

export interface Setting {
  reduce: AnyReduce;
  exchange: Exchange;
  /** Trainable values. */
  parameters: number;
  workers: number;
  workersPerHost: number;
  /** Whether the workers of a host sum their gradients in its memory first. */
  localAggregation: boolean;
  hardware: Hardware;
}

/** What an exchange takes, and what bounds it. */
export interface ExchangeTime {
  seconds: number;
  bound: 'network' | 'event loop' | 'processors' | 'host memory' | 'calls';
}

/** A chunk is the unit that is summed and sent on. */
const CHUNK_BYTES = 4 << 20;

export function exchangeTime(setting: Setting, constants: ScalingConstants): ExchangeTime {
  if (setting.reduce === 'collective') return ringTime(setting);
  const hosts = Math.ceil(setting.workers / setting.workersPerHost);
  const contributions = setting.localAggregation ? hosts : setting.workers;
  const local = localSeconds(setting, constants);
  const calls = startSeconds(setting, contributions, constants);
  const parts = {
    ...(setting.reduce === 'coordinator'
      ? throughCoordinator(setting, contributions, constants)
      : throughWorkers(setting, contributions, constants)),
  };
  const [busiest, longest] = Object.entries(parts).reduce((a, b) => (b[1] > a[1] ? b : a));
  const bounds: [ExchangeTime['bound'], number][] = [
    [busiest as ExchangeTime['bound'], longest],
    ['host memory', local],
    ['calls', calls],
  ];
  const [bound] = bounds.reduce((a, b) => (b[1] > a[1] ? b : a));
  return { seconds: local + longest + calls, bound };
}

/** Everyone's gradient goes to one process, and the sum back to everyone. */
function throughCoordinator(setting: Setting, contributions: number, constants: ScalingConstants) {
  const { exchange, parameters, hardware } = setting;
  const size = parameters * VALUE_BYTES[exchange];
  const { client, reducer } = constants[exchange];
  const sharesAHost = hardware.network === Infinity;
  return {
    network: (contributions * size) / hardware.network,
    // Every byte that is received is one that is sent, too.
    'event loop': 2 * size * Math.max(contributions * reducer.loop, client.loop),
    processors: (2 * size * contributions * (reducer.all + (sharesAHost ? client.all : 0))) / hardware.cores,
  };
}

/**
 * Each worker reduces an equal range for the others: 2 (M − 1)/M of the gradient leave it, and as much comes in. Of workers
 * whose host sums first, each does so for its share of the range.
 */
function throughWorkers(setting: Setting, contributions: number, constants: ScalingConstants) {
  const { exchange, parameters, hardware, localAggregation, workers, workersPerHost } = setting;
  const size = parameters * VALUE_BYTES[exchange];
  const { client, reducer } = constants[exchange];
  const once = ((contributions - 1) / contributions) * size;
  // As a caller it sends so much and receives as much; as a reducer it does the same again.
  const ofAContribution = (cost: 'loop' | 'all') => 2 * once * (client[cost] + reducer[cost]);
  const onAHost = localAggregation ? 1 : Math.min(workers, workersPerHost);
  // Between workers of a host nothing crosses the network.
  const leaving = localAggregation
    ? 2 * once
    : 2 * onAHost * size * ((contributions - onAHost) / contributions);
  return {
    network: leaving / hardware.network,
    'event loop': ofAContribution('loop') / (localAggregation ? Math.min(workers, workersPerHost) : 1),
    processors: (onAHost * ofAContribution('all')) / hardware.cores,
  };
}

/**
 * NCCL over float32, on a host and then between hosts: the same bytes as between workers, by the devices themselves. The process
 * that sums has a device memory of its own: the gradient goes there by way of the host, and the sum comes back so.
 */
function ringTime({ parameters, workers, workersPerHost, hardware }: Setting): ExchangeTime {
  const ring = (members: number) => (2 * (members - 1) * parameters * 4) / members;
  const hosts = Math.ceil(workers / workersPerHost);
  const onAHost = ring(Math.min(workers, workersPerHost)) / hardware.deviceLink;
  const hops = 2 * (hosts - 1) * (hardware.roundTrip / 2);
  const between = ring(hosts) / (hardware.network * hardware.collectiveEfficiency) + hops;
  const local = onAHost + 2 * copySeconds(parameters, hardware);
  return { seconds: local + between, bound: local > between ? 'host memory' : 'network' };
}

/**
 * From the devices into the host's memory, added there by the workers (each a share of the range), and the sum back.
 * Without local aggregation the copies alone.
 */
function localSeconds(setting: Setting, { sumBytesPerSecond }: ScalingConstants): number {
  const { parameters, workers, workersPerHost, localAggregation, hardware } = setting;
  const copies = copySeconds(parameters, hardware);
  const onAHost = Math.min(workers, workersPerHost);
  if (!localAggregation || onAHost === 1) return copies;
  return copies + (parameters * 4) / sumBytesPerSecond;
}

/** The gradient from a device into the host's memory, and the sum back. */
function copySeconds(parameters: number, { deviceCopy }: Hardware): number {
  return (2 * parameters * 4) / deviceCopy;
}

/** The plan and the answers, the calls, and the first chunk's way there and the last one's back. */
function startSeconds(
  { reduce, hardware }: Setting,
  contributions: number,
  { latencySeconds, callSeconds }: ScalingConstants,
): number {
  // A worker makes a call to each other and serves as many; a coordinator serves one for each worker.
  const calls = reduce === 'workers' ? 2 * (contributions - 1) : contributions;
  const travel = 2 * hardware.roundTrip + (2 * CHUNK_BYTES) / hardware.network;
  return latencySeconds + Math.max(0, calls - 2) * callSeconds + travel;
}

/**
 * A training step: exchanges every `localSteps` steps, after the computation and not beside it. `exchange` is that of a
 * gradient; a round of local steps has more to exchange.
 */
export function stepSeconds(compute: number, exchange: number, localSteps = 1): number {
  return compute + (exchangedPerParameter({ localSteps }) * exchange) / localSteps;
}
