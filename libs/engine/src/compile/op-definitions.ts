import { engineAddon } from '../start-engine.js';
import { type Field, fieldsOf, textOf } from './wire-format.js';

/** One argument of an op. */
export interface OpArgument {
  name: string;
  /** The attribute that holds how many tensors the argument has, where it is a list of tensors of one type. */
  countAttribute: string | undefined;
  /** The attribute that lists the types of its tensors, where it is a list of tensors of any types. */
  typesAttribute: string | undefined;
}

/** What recording needs of a tensorflow.OpDef. */
export interface OpDefinition {
  name: string;
  inputs: readonly OpArgument[];
  /** It has effects, or gives other values for the same inputs. */
  isStateful: boolean;
}

let definitions: ReadonlyMap<string, OpDefinition> = new Map();

/** An op's definition, ops of own addons included; undefined where the name is none of an op: a function's, say. */
export function opDefinition(name: string): OpDefinition | undefined {
  // Addons register ops at any time, so a name that is not there may be there by now.
  if (!definitions.has(name)) definitions = readOpList(engineAddon().opList());
  return definitions.get(name);
}

/** Kinds of device that the op has kernels for: `CPU`, `GPU`, and `XLA_CPU_JIT` and the like for XLA. */
export function devicesOfOp(name: string): Set<string> {
  const kernels = [...fieldsOf(engineAddon().kernelsOf(name))].filter(({ number }) => number === 1);
  return new Set(kernels.map(({ value }) => textOf(field(value, 2)?.value ?? new Uint8Array())));
}

/** Field numbers are those of tensorflow/core/framework/op_def.proto. */
function readOpList(bytes: Uint8Array): Map<string, OpDefinition> {
  const ops = [...fieldsOf(bytes)].filter(({ number }) => number === 1).map(({ value }) => readOp(value));
  return new Map(ops.map((op) => [op.name, op]));
}

function readOp(message: Field['value']): OpDefinition {
  const fields = [...fieldsOf(message as Uint8Array)];
  return {
    name: textOf(fields.find(({ number }) => number === 1)!.value),
    inputs: fields.filter(({ number }) => number === 2).map(({ value }) => readArgument(value)),
    isStateful: fields.some(({ number, value }) => number === 17 && value !== 0),
  };
}

function readArgument(message: Field['value']): OpArgument {
  const text = (number: number) => {
    const found = field(message, number);
    return found === undefined ? undefined : textOf(found.value);
  };
  return { name: text(1)!, countAttribute: text(5), typesAttribute: text(6) };
}

function field(message: Field['value'], wanted: number): Field | undefined {
  return [...fieldsOf(message as Uint8Array)].find(({ number }) => number === wanted);
}
