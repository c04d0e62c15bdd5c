import type { ByteCursor } from './byte-cursor.js';
import { type PickleHost, PickleMachine } from './pickle-machine.js';
import { opcodeName } from './pickle-opcodes.js';
import { damaged, refused } from './pytorch-error.js';

/** Newest protocol that is read: 5 differs from 4 in opcodes that are refused. */
const MAX_PROTOCOL = 5;

/**
 * Reads one pickle, as Python's `pickle` (protocol 2 to 5) and TorchScript write it, and leaves the cursor behind it. Nothing
 * is executed: globals and persistent ids are what the host makes of them. Dicts become Maps; lists and tuples arrays;
 * None null; whole numbers beyond 2^53 bigints. Other opcodes, and whatever is damaged, are a UserError.
 */
export function unpickle(cursor: ByteCursor, host: PickleHost): unknown {
  const machine = new PickleMachine(cursor.place);
  if (cursor.byte() !== 0x80) throw damaged(cursor.place, 'a pickle in it begins without a protocol');
  const protocol = cursor.byte();
  if (protocol < 2 || protocol > MAX_PROTOCOL) throw refused(cursor.place, `pickle protocol ${protocol}`);
  for (;;) {
    const code = cursor.byte();
    if (code === 0x2e) return machine.pop();
    if (
      !literal(code, cursor, machine) &&
      !container(code, cursor, machine) &&
      !object(code, cursor, machine, host)
    )
      throw refused(cursor.place, opcodeName(code));
  }
}

/** Opcodes that push a number, a text or bytes. */
function literal(code: number, cursor: ByteCursor, machine: PickleMachine): boolean {
  switch (code) {
    case 0x4e: // NONE
      machine.push(null);
      return true;
    case 0x88: // NEWTRUE
    case 0x89: // NEWFALSE
      machine.push(code === 0x88);
      return true;
    case 0x4a: // BININT
      machine.push(cursor.view(4).getInt32(0, true));
      return true;
    case 0x4b: // BININT1
      machine.push(cursor.byte());
      return true;
    case 0x4d: // BININT2
      machine.push(cursor.view(2).getUint16(0, true));
      return true;
    case 0x8a: // LONG1
      machine.push(integerOf(cursor.take(cursor.byte())));
      return true;
    case 0x47: // BINFLOAT
      machine.push(cursor.view(8).getFloat64(0, false));
      return true;
    case 0x58: // BINUNICODE
    case 0x54: // BINSTRING: Python 2's
      machine.push(cursor.text(cursor.uint32()));
      return true;
    case 0x8c: // SHORT_BINUNICODE
    case 0x55: // SHORT_BINSTRING: Python 2's
      machine.push(cursor.text(cursor.byte()));
      return true;
    case 0x8d: // BINUNICODE8
      machine.push(cursor.text(cursor.length64()));
      return true;
    case 0x43: // SHORT_BINBYTES
      machine.push(cursor.take(cursor.byte()).slice());
      return true;
    case 0x42: // BINBYTES
      machine.push(cursor.take(cursor.uint32()).slice());
      return true;
    case 0x8e: // BINBYTES8
      machine.push(cursor.take(cursor.length64()).slice());
      return true;
    default:
      return false;
  }
}

/** Opcodes that make and fill containers, and those of stack and memo. */
function container(code: number, cursor: ByteCursor, machine: PickleMachine): boolean {
  switch (code) {
    case 0x5d: // EMPTY_LIST
    case 0x29: // EMPTY_TUPLE
    case 0x8f: // EMPTY_SET
      machine.push([]);
      return true;
    case 0x7d: // EMPTY_DICT
      machine.push(new Map());
      return true;
    case 0x74: // TUPLE
    case 0x6c: // LIST
    case 0x91: // FROZENSET
      machine.push(machine.popToMark());
      return true;
    case 0x85: // TUPLE1
    case 0x86: // TUPLE2
    case 0x87: // TUPLE3
      machine.push(Array.from({ length: code - 0x84 }, () => machine.pop()).reverse());
      return true;
    case 0x61: // APPEND
      machine.append([machine.pop()]);
      return true;
    case 0x65: // APPENDS
    case 0x90: // ADDITEMS
      machine.append(machine.popToMark());
      return true;
    case 0x73: // SETITEM
      machine.setItems([machine.pop(), machine.pop()].reverse());
      return true;
    case 0x75: // SETITEMS
      machine.setItems(machine.popToMark());
      return true;
    case 0x28: // MARK
      machine.mark();
      return true;
    case 0x30: // POP
      machine.pop();
      return true;
    case 0x31: // POP_MARK
      machine.popToMark();
      return true;
    case 0x71: // BINPUT
      machine.memoize(cursor.byte());
      return true;
    case 0x72: // LONG_BINPUT
      machine.memoize(cursor.uint32());
      return true;
    case 0x94: // MEMOIZE
      machine.memoize();
      return true;
    case 0x68: // BINGET
      machine.recall(cursor.byte());
      return true;
    case 0x6a: // LONG_BINGET
      machine.recall(cursor.uint32());
      return true;
    case 0x95: // FRAME: how many bytes belong together, which is of no use here
      cursor.length64();
      return true;
    default:
      return false;
  }
}

/** Opcodes that name and make objects: all of them go by the host. */
function object(code: number, cursor: ByteCursor, machine: PickleMachine, host: PickleHost): boolean {
  switch (code) {
    case 0x63: // GLOBAL
      machine.push(host.global(cursor.line(), cursor.line()));
      return true;
    case 0x93: {
      // STACK_GLOBAL
      const name = machine.pop();
      const module = machine.pop();
      if (typeof module !== 'string' || typeof name !== 'string')
        throw damaged(cursor.place, 'its pickle names a global by what is no text');
      machine.push(host.global(module, name));
      return true;
    }
    case 0x52: // REDUCE
    case 0x81: // NEWOBJ
      machine.call();
      return true;
    case 0x62: // BUILD
      machine.build();
      return true;
    case 0x51: // BINPERSID
      machine.push(host.persistent(machine.pop()));
      return true;
    default:
      return false;
  }
}

/** A little-endian integer in two's complement: as a number where that is exact. */
function integerOf(bytes: Uint8Array): number | bigint {
  if (bytes.length === 0) return 0;
  const hex = Buffer.from(bytes).reverse().toString('hex');
  const value = BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}
