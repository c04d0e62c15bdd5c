import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '@captrain/runtime';
import { z } from 'zod';

export const exchanges = ['exact', 'bf16'] as const;
export type Exchange = (typeof exchanges)[number];

/** Through the coordinator, or between the workers: the two that run on gRPC. */
export const reduces = ['coordinator', 'workers'] as const;
export type Reduce = (typeof reduces)[number];

/** And TensorFlow's collectives; and where workers of one host need no network, whatever `--reduce` says. */
export type Way = Reduce | 'collective' | 'shared memory';

/** Bytes of a value on the wire. */
export const VALUE_BYTES: Readonly<Record<Exchange, number>> = { exact: 4, bf16: 2 };

/** Seconds on a processor for a byte that a process sends or receives: of its event loop alone, and of all its threads. */
const byteCost = z.strictObject({ loop: z.number(), all: z.number() });
export type ByteCost = z.infer<typeof byteCost>;

const exchangeConstants = z.strictObject({
  /** A worker that sends its part to a reducer and receives the sum. */
  client: byteCost,
  /** A reducer of the parts of two workers; its sums are in `all`. */
  reducer: byteCost,
});

/** What `bench -- exchange` measures for the model of `bench -- scaling`. */
export const scalingConstants = z.strictObject({
  processor: z.string(),
  cores: z.number(),
  parameters: z.number(),
  exact: exchangeConstants,
  bf16: exchangeConstants,
  /** A whole exchange of almost nothing: its calls and messages, with two workers. */
  latencySeconds: z.number(),
  /** A reducer's event loop for the calls of one more worker, apart from their values. */
  callSeconds: z.number(),
  /** float32 bytes that one thread of the addon adds to a sum in a second. */
  sumBytesPerSecond: z.number(),
  /** Exchanges on the machine that the constants are of, medians: what the model's predictions are compared with. */
  measured: z.array(
    z.strictObject({
      reduce: z.enum(reduces),
      exchange: z.enum(exchanges),
      workers: z.number(),
      seconds: z.number(),
    }),
  ),
});
export type ScalingConstants = z.infer<typeof scalingConstants>;

/** Where the documentation's constants are. */
export const constantsFile = path.resolve(import.meta.dirname, '../../../docs/scaling-constants.json');

export function readConstants(file: string): ScalingConstants {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new UserError(`${file} cannot be read; npm run bench -- exchange writes it.`, { cause });
  }
  return scalingConstants.parse(JSON.parse(text));
}

/** Writes the constants with four digits: more would be noise. */
export function writeConstants(file: string, constants: ScalingConstants): void {
  const rounded = (_key: string, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
  writeFileSync(file, `${JSON.stringify(constants, rounded, 2)}\n`);
}
