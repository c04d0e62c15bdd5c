import type { BindingAttribute, NodeAttribute } from '../attributes.js';
import { dtypeOfNumber } from '../dtypes.js';

/** An attribute as tfjs's binding takes it, as a function's node takes it. */
export function toNodeAttribute({ name, type, value }: BindingAttribute): NodeAttribute {
  const list = Array.isArray(value);
  // Numbers of TF_AttrType.
  if (type === 0) return { string: value as string };
  if (type === 1) return list ? { ints: value as number[] } : { int: value as number };
  if (type === 2) return list ? { floats: value as number[] } : { float: value as number };
  if (type === 3) return list ? { bools: value as boolean[] } : (value as boolean);
  if (type === 4) return dtypeOfNumber(value as number);
  if (type === 5) return { shape: value as number[] };
  throw new Error(`attribute ${name} is of a kind that cannot be recorded (TF_AttrType ${type})`);
}
