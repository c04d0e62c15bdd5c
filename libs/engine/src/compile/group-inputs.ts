import type { OpDefinition } from './op-definitions.js';

/**
 * An op's inputs, which tfjs gives flat, by the op's arguments: a list argument's together in an array. How many each
 * list has is what its attribute says (`N`), or else the inputs that the other arguments leave, shared evenly.
 *
 * Throws where that is ambiguous, or where the inputs do not come out even.
 */
export function groupInputs<Input>(
  { name, inputs: args }: OpDefinition,
  inputs: readonly Input[],
  attributeOf: (name: string) => unknown,
): (Input | Input[])[] {
  const isList = (arg: (typeof args)[number]) =>
    arg.countAttribute !== undefined || arg.typesAttribute !== undefined;
  const told = args.map((arg) => {
    if (!isList(arg)) return 1;
    const types = arg.typesAttribute === undefined ? undefined : attributeOf(arg.typesAttribute);
    const count = arg.countAttribute === undefined ? undefined : attributeOf(arg.countAttribute);
    return Array.isArray(types) ? types.length : typeof count === 'number' ? count : undefined;
  });
  const untold = args.filter((_, index) => told[index] === undefined);
  const attributes = new Set(untold.map((arg) => arg.countAttribute ?? arg.typesAttribute));
  if (attributes.size > 1)
    throw new Error(`${name} has several list arguments: give the attributes ${[...attributes].join(', ')}`);
  const left = inputs.length - told.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  const share = untold.length === 0 ? 0 : left / untold.length;
  if (left < 0 || !Number.isInteger(share) || (untold.length === 0 && left !== 0))
    throw new Error(`${name} takes ${args.map((arg) => arg.name).join(', ')}, not ${inputs.length} tensors`);
  let at = 0;
  return args.map((arg, index) => {
    const count = told[index] ?? share;
    const own = inputs.slice(at, at + count);
    at += count;
    return isList(arg) ? own : own[0]!;
  });
}
