import type { GradientChunk } from '@captrain/protos';
import { describeEnd } from '../case-process.js';
import type { ChaosCase, Stage } from '../chaos-case.js';
import { crc32c } from '../crc32c.js';
import { type Tampering, TamperingProxy } from '../tampering-proxy.js';

/** The worker is honest until then. */
const FROM_STEP = 4;

/** Changes chunks that carry values. */
function ofValues(change: (chunk: GradientChunk) => GradientChunk): Tampering {
  return { chunk: (chunk) => (chunk.step >= FROM_STEP && chunk.values.length > 0 ? change(chunk) : chunk) };
}

function withValues(chunk: GradientChunk, values: Uint8Array): GradientChunk {
  return { ...chunk, values, checksum: crc32c(values) };
}

/** Chunks of an earlier step, by the place that they have in theirs. */
function replaying(): Tampering {
  const earlier = new Map<string, GradientChunk>();
  return {
    chunk: (chunk) => {
      if (chunk.values.length === 0) return chunk;
      const place = `${chunk.firstMicrobatch} ${chunk.microbatches} ${chunk.offset}`;
      const kept = earlier.get(place);
      if (kept === undefined) earlier.set(place, { ...chunk, values: chunk.values.slice() });
      return chunk.step >= FROM_STEP ? (kept ?? chunk) : chunk;
    },
  };
}

const notANumber = new Uint8Array(new Float32Array([Number.NaN]).buffer);

const tamperings: Record<string, [did: string, tampering: () => Tampering]> = {
  garbage: [
    'sends values whose checksum is wrong',
    () => ofValues((chunk) => ({ ...chunk, values: chunk.values.map((byte) => byte ^ 0x5a) })),
  ],
  'wrong length': [
    'sends chunks that lack a value',
    () => ofValues((chunk) => withValues(chunk, chunk.values.subarray(4))),
  ],
  'wrong total': [
    'sends gradients of another length',
    () => ofValues((chunk) => ({ ...chunk, total: chunk.total + 1 })),
  ],
  NaN: [
    'sends values that are not a number, their checksum right',
    () =>
      ofValues((chunk) => {
        const values = chunk.values.slice();
        values.set(notANumber);
        return withValues(chunk, values);
      }),
  ],
  replay: ['sends the chunks of an earlier step', replaying],
  'wrong step': [
    'sends chunks of another step',
    () => ofValues((chunk) => ({ ...chunk, step: chunk.step + 1 })),
  ],
  'wrong generation': [
    'sends chunks of an earlier generation',
    () => ofValues((chunk) => ({ ...chunk, generation: chunk.generation - 1 })),
  ],
  'lie about the step': [
    'reports that it computed the next step',
    () => ({
      control: (message) => {
        if (message.computed && message.computed.step >= FROM_STEP) message.computed.step++;
        return message;
      },
    }),
  ],
  'lie about a sum': [
    'reports that the global sum is not finite',
    () => ({
      control: (message) => {
        if (message.exchanged && message.exchanged.step >= FROM_STEP) message.exchanged.finite = false;
        return message;
      },
    }),
  ],
};

/** What is done where workers reduce as well: it is for them to refuse it. */
const amongWorkers = ['garbage', 'NaN', 'replay', 'lie about a sum'];

/** Adds something to a value of every sum that it serves, to each another. */
function lyingToEach(): Tampering {
  let lies = 0;
  return {
    sum: (chunk) => {
      if (chunk.step < FROM_STEP || chunk.values.length === 0) return chunk;
      const values = Uint8Array.from(chunk.values);
      new DataView(values.buffer).setFloat32(0, ++lies, true);
      return withValues(chunk, values);
    },
  };
}

const kinds = Object.entries(tamperings);
const ways = [
  ...kinds.map((each) => ({ each, title: '', flags: [] })),
  ...kinds
    .filter(([kind]) => amongWorkers.includes(kind))
    .map((each) => ({ each, title: ', workers reduce', flags: ['--reduce', 'workers'] })),
];

/** A coordinator, and a worker whose words are changed on their way. */
async function startHostile({ cluster, atEnd }: Stage, tampering: Tampering) {
  await cluster.startCoordinator();
  const proxy = await TamperingProxy.listen(cluster.address, tampering);
  atEnd(() => proxy.close());
  return { proxy, hostile: cluster.startWorker({ through: proxy.address }) };
}

const ofParts: ChaosCase[] = ways.map(({ each: [kind, [did, tampering]], title, flags }) => ({
  name: `hostile worker: ${kind}${title}`,
  did: `one of two workers ${did} from step ${FROM_STEP} on: it has to be told why, and fenced`,
  short: kind === 'garbage' && title === '',
  flags,
  act: async (stage) => {
    const { cluster } = stage;
    const { proxy, hostile } = await startHostile(stage, tampering());
    hostile.mayEnd = true;
    cluster.startWorker();
    await cluster.finished();
    const end = await hostile.ended;
    if (end.code !== 1 || !hostile.sentence?.includes('is fenced'))
      stage.complain(`the fenced worker ended with ${describeEnd(end)}: ${hostile.sentence}`);
    if (!proxy.refusals.some((reason) => reason !== '')) stage.complain('the worker was never told why');
    if (proxy.fenced === undefined) stage.complain('the worker was not fenced');
    // A link that damages what an honest worker sends looks the same from here.
    else if (kind === 'garbage' && !proxy.fenced.includes('or the network that it comes by'))
      stage.complain(`the worker was not told what may be the reason: ${proxy.fenced}`);
  },
}));

const ofSums: ChaosCase[] = [
  {
    name: 'hostile worker: wrong sums, workers reduce',
    did: `one of three workers serves wrong sums, their checksums right, to each of the others another, from step ${FROM_STEP} on: it has to be fenced`,
    workers: 3,
    flags: ['--reduce', 'workers'],
    act: async (stage) => {
      const { cluster } = stage;
      const { hostile } = await startHostile(stage, lyingToEach());
      hostile.mayEnd = true;
      cluster.startWorkers(2);
      await cluster.finished();
      const end = await hostile.ended;
      if (end.code !== 1 || !hostile.sentence?.includes(`${hostile.name} is fenced`))
        stage.complain(`the worker ended with ${describeEnd(end)}: ${hostile.sentence}`);
    },
  },
  {
    name: 'hostile worker: wrong sums to one other, workers reduce',
    did: `one of two workers serves wrong sums, their checksums right, from step ${FROM_STEP} on: it has to serve none any more`,
    flags: ['--reduce', 'workers', '--digest-every', '1'],
    act: async (stage) => {
      const { cluster } = stage;
      const { hostile } = await startHostile(stage, lyingToEach());
      const other = cluster.startWorker();
      await cluster.finished();
      const said = cluster.coordinator.said
        .split('\n')
        .find((line) => line.includes('others add up from now on'));
      if (!said?.includes(hostile.name) || !said.includes(other.name))
        stage.complain(`the coordinator did not name both workers: ${said}`);
    },
  },
];

export const hostileWorkers: ChaosCase[] = [...ofParts, ...ofSums];
