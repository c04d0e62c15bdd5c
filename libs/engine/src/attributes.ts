import { type DType, dtypeNumbers } from './dtypes.js';

/**
 * An attribute that the eager binding can set. A bare name is an element type; a number has to say what it is,
 * because TensorFlow tells integers from floats. Lists hold 32-bit integers at most.
 */
export type Attribute =
  | DType
  | boolean
  | { int: number }
  | { ints: readonly number[] }
  | { float: number }
  | { floats: readonly number[] }
  | { bools: readonly boolean[] }
  | { shape: readonly number[] }
  | { string: string };

/** A constant's value: exactly the tensor's bytes, in native byte order. */
export interface ConstantValue {
  dtype: DType;
  shape: readonly number[];
  data: ArrayBufferView;
}

/** An attribute of a node in a function, where a few more kinds can be set. */
export type NodeAttribute =
  Attribute | { dtypes: readonly DType[] } | { function: string } | { tensor: ConstantValue };

export type Attributes = Readonly<Record<string, Attribute>>;
export type NodeAttributes = Readonly<Record<string, NodeAttribute>>;

/** What tfjs's binding takes, with TF_AttrType's number for the kind. */
export interface BindingAttribute {
  name: string;
  type: number;
  value: unknown;
}

/** What captrain's addon takes (native/attributes.cc). */
export interface AddonAttribute {
  name: string;
  kind: string;
  value: unknown;
}

/** TF_AttrType in tensorflow/c/tf_attrtype.h; a list has the number of its elements. */
const attrTypes: Readonly<Record<string, number>> = {
  string: 0,
  int: 1,
  ints: 1,
  float: 2,
  floats: 2,
  bool: 3,
  bools: 3,
  dtype: 4,
  shape: 5,
};

export function toBindingAttributes(attributes: Attributes): BindingAttribute[] {
  return toAddonAttributes(attributes).map(({ name, kind, value }) => {
    const type = attrTypes[kind];
    if (type === undefined) throw new Error(`Attribute ${name} is of the unknown kind ${kind}`);
    return { name, type, value };
  });
}

export function toAddonAttributes(attributes: NodeAttributes): AddonAttribute[] {
  return Object.entries(attributes).map(([name, attribute]) => ({ name, ...kindAndValue(name, attribute) }));
}

function kindAndValue(name: string, attribute: NodeAttribute): { kind: string; value: unknown } {
  if (typeof attribute === 'boolean') return { kind: 'bool', value: attribute };
  if (typeof attribute === 'string') return { kind: 'dtype', value: dtypeNumbers[attribute] };
  if ('dtypes' in attribute)
    return { kind: 'dtypes', value: attribute.dtypes.map((dtype) => dtypeNumbers[dtype]) };
  if ('tensor' in attribute) {
    const { dtype, shape, data } = attribute.tensor;
    return { kind: 'tensor', value: { dtype: dtypeNumbers[dtype], shape, data } };
  }
  const [entry] = Object.entries(attribute);
  if (entry === undefined) throw new Error(`Attribute ${name} has no value`);
  return { kind: entry[0], value: entry[1] };
}
